#!/usr/bin/env node
// The command in a clone: builds first where that has not been done, then runs.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../../dist/runtime/sse_cat/main.js', import.meta.url);
if (!existsSync(main)) {
  const prepare = fileURLToPath(new URL('../install/prepare.mjs', import.meta.url));
  // What it says goes to stderr: stdout is for the messages of the stream alone.
  const { status } = spawnSync(process.execPath, [prepare], { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write("sse-cat: it could not be built: run 'npm install' and 'npm run build'\n");
    process.exit(1);
  }
}
await import(main.href);
