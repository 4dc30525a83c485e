/**
 * A client with the interface of a browser's EventSource. Prints a line of JSON an event; ends where
 * the client gives up.
 *
 *     node event_source.mjs MODULE EXPORT URL
 *
 * MODULE `global` is the runtime's own.
 */

import process from 'node:process';

const [name = '', exported = '', url = ''] = process.argv.slice(2);

// reconnecting-eventsource is made around it.
globalThis.EventSource ??= /** @type {any} */ ((await import('eventsource')).EventSource);

// A process has more to do than to read a stream: undici lets it end while it waits to come back.
const busy = setInterval(() => {}, 2 ** 30);

const Client = await load();
const source = new Client(url);
for (const type of ['message', 'delete', 'gap', 'live', 'place']) {
  source.addEventListener(type, (/** @type {MessageEvent} */ { data, lastEventId }) =>
    console.log(JSON.stringify({ event: type, data, id: lastEventId })),
  );
}
source.onerror = () => {
  // undici tells of the error first, and closes then.
  setTimeout(() => source.readyState === 2 && clearInterval(busy));
};

async function load() {
  if (name === 'global') return /** @type {any} */ (globalThis)[exported];
  const loaded = await import(name);
  const found = loaded[exported] ?? loaded.default[exported];
  return found.default ?? found;
}
