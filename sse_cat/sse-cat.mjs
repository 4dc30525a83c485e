#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Writable } from 'node:stream';
import { watchReader } from './reader.mjs';
import { run } from './run.mjs';

const LOOK_MS = 250;

// Who sets NODE_TLS_REJECT_UNAUTHORIZED=0 knows: Node's warning about it is noise here.
process.removeAllListeners('warning');

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());

// npx puts a shell between, which a SIGTERM ends without handing it on: end with that shell.
if (process.env['npm_command'] === 'exec') {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop.abort(), 500).unref();
}

const isReaderGone = watchReader();
setInterval(() => isReaderGone() && stop.abort(), LOOK_MS).unref();

const manifest = readFileSync(new URL('package.json', import.meta.url), 'utf8');

// Deno's process.stdout waits for a full pipe within write(), deaf to signals meanwhile.
const { Deno } =
  /** @type {{ Deno?: { stdout: { writable: WritableStream, isTerminal(): boolean } } }} */ (
    globalThis
  );

const code = await run({
  argv: process.argv.slice(2),
  env: process.env,
  stdout: Deno
    ? Object.assign(Writable.fromWeb(/** @type {any} */ (Deno.stdout.writable)), {
        isTTY: Deno.stdout.isTerminal(),
      })
    : process.stdout,
  stderr: process.stderr,
  version: JSON.parse(manifest).version,
  signal: stop.signal,
});
// Not only `exitCode`: what a stuck reader has not taken would keep the process alive.
process.exit(code);
