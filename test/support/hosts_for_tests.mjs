/**
 * For a whole run of jest one process a runtime that holds gateways and a Kafka in its memory
 * (`test/contract/host/`); where they listen is in TEST_HOSTS.
 *
 * Plain JavaScript, because jest imports it without transforming it.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.mjs';
import { guard } from './guard.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = 'test/contract/host/main.ts';
const START_MS = 60_000;

/** @type {() => Promise<void>} */
let end = async () => {};

export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-hosts-'));
  const clean = guard(folder);
  const out = await mkdtemp(join(ROOT, '.cache', 'hosts-'));
  const cleanOut = guard(out);
  const script = compile(ROOT, SCRIPT, out);
  // Beside the folders app and runtime, where a gateway looks for it.
  await symlink(join(ROOT, 'public'), join(out, 'out', 'public'));
  const deno = join(ROOT, 'node_modules', '.bin', 'deno');
  const config = join(ROOT, 'deno.json');
  const options = ['run', '--quiet', '--no-prompt', '--allow-all', `--config=${config}`];
  const [Node, Deno] = await Promise.all([
    start([process.execPath, script], folder),
    start([deno, ...options, join(ROOT, SCRIPT)], folder),
  ]);
  process.env['TEST_HOSTS'] = JSON.stringify({ Node, Deno });
  end = async () => {
    await clean();
    await cleanOut();
  };
}

/** Ends what `setup()` started. */
export function teardown() {
  return end();
}

/**
 * @param {[string, ...string[]]} command
 * @param {string} folder
 * @returns {Promise<number>} the port that it takes commands on
 */
function start([file, ...args], folder) {
  const env = { ...process.env, TEST_FOLDER: folder };
  const child = spawn(file, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file} did not start`)), START_MS);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
    let text = '';
    child.stdout.on('data', (bytes) => {
      text += bytes;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      child.unref();
      resolve(Number(text));
    });
  });
}
