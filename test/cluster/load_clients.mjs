/**
 * Clients that read one topic and keep coming back, run in a pod: only there does a Service spread them
 * over the gateways. Each record's value is its number. Prints a line of JSON a second:
 * `{"counts":[…],"cuts":…,"faults":[…]}`.
 *
 *     node --input-type=module -e "$(cat load_clients.mjs)" COUNT URL...
 */

import process from 'node:process';

// In the image; this file is not.
const { follow } = await import(/** @type {string} */ ('/app/sse_cat/follower.mjs'));

const [count, ...urls] = process.argv.slice(1);
const clients = Array.from({ length: Number(count) }, () => new Set());
/** @type {string[]} */
const faults = [];
let cuts = 0;

clients.forEach((seen, index) => {
  const url = new URL(urls[index % urls.length] ?? '');
  follow(url, {
    headers: new Headers(),
    onEvent: (/** @type {string} */ type, /** @type {string} */ data) => {
      if (type !== 'message') faults.push(`client ${index} got ${type} ${data}`);
      else if (seen.has(data)) faults.push(`client ${index} got ${data} twice`);
      seen.add(data);
    },
    onPieceEnd: async () => {},
    onRetry: () => {
      cuts += 1;
    },
    signal: new AbortController().signal,
  }).catch((/** @type {Error} */ error) => faults.push(`client ${index}: ${error.message}`));
});

setInterval(() => {
  const counts = clients.map(({ size }) => size);
  console.log(JSON.stringify({ counts, cuts, faults: faults.slice(0, 10) }));
}, 1_000);
