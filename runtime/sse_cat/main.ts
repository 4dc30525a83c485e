import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { run } from './sse_cat.ts';
import { trustingFetch } from './trusting_fetch.ts';

// Who sets NODE_TLS_REJECT_UNAUTHORIZED=0 knows: Node's warning about it is noise here.
process.removeAllListeners('warning');

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

// npx puts a shell between, which a SIGTERM ends without handing it on: end with that shell.
const { npm_command, NODE_TLS_REJECT_UNAUTHORIZED } = process.env;
if (npm_command === 'exec') {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop.abort(), 500).unref();
}

const trustsAll = 'deno' in process.versions && NODE_TLS_REJECT_UNAUTHORIZED === '0';

const code = await run({
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
  fetch: (url, init) =>
    trustsAll && url.protocol === 'https:' ? trustingFetch(url, init) : fetch(url, init),
  version: readVersion(),
  signal: stop.signal,
});
// Not only `exitCode`: what a stuck reader has not taken would keep the process alive.
process.exit(code);

/** From the package's root, seen from the source (Deno) and from `dist/` (Node). */
function readVersion(): string {
  const candidates = ['../../package.json', '../../../package.json'];
  const file = candidates.map((path) => new URL(path, import.meta.url)).find(existsSync);
  return file ? JSON.parse(readFileSync(file, 'utf8')).version : 'unknown';
}
