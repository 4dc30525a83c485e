import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './clone.mjs';
import { runLong } from './command.mjs';

const PACKAGE = join(root, 'node_modules', 'deno');
const COMMAND = join(root, 'node_modules', '.bin', 'deno');

/**
 * The command `deno` of the npm package of that name: its program, and not the script that starts
 * it, which hands no signal on. The packages are installed without their scripts; this is one.
 */
export const deno = { ready, make };

function ready() {
  return existsSync(COMMAND) && realpathSync(COMMAND) === join(PACKAGE, 'deno');
}

async function make() {
  await runLong(process.execPath, [join(PACKAGE, 'install.cjs')], {
    label: 'linking Deno',
    about: '1 s',
    log: 'deno.log',
    deadlineSeconds: 60,
  });
}
