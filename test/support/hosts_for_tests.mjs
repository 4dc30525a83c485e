/**
 * A few processes of each runtime that hold gateways and a Kafka in their memory (`test/host/`), from
 * the first time on that a suite asks for one; where to ask is in TEST_HOSTS. The workers of jest share
 * them: each costs its start, and its code has to become quick anew.
 *
 *     GET /<runtime>/<worker>  answers with the port that it takes commands on
 *
 * Plain JavaScript, because jest imports it without transforming it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.mjs';
import { guard } from './guard.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = 'test/host/main.ts';
const START_MS = 110_000;
/** Of each runtime. A suite may keep one busy for a second, in which others wait for it. */
const HOSTS = 2;

/** @type {Promise<() => Promise<void>> | null} */
let started = null;
let isEnding = false;

/** Once for the whole run, however many projects ask for it. */
export default async function setup() {
  started ??= start();
  await started;
}

/** Ends what `setup()` started. */
export async function teardown() {
  const end = await started;
  started = null;
  await end?.();
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-hosts-'));
  const clean = guard(folder);
  const out = await mkdtemp(join(ROOT, '.cache', 'hosts-'));
  const cleanOut = guard(out);
  const script = compile(ROOT, SCRIPT, out);
  // Beside the folders app and runtime, where a gateway looks for it.
  await symlink(join(ROOT, 'public'), join(out, 'out', 'public'));
  /** @type {Map<string, Promise<number>>} */
  const hosts = new Map();
  const server = createServer(async ({ url = '/' }, response) => {
    try {
      const [, runtime, worker] = url.split('/');
      const name = `${runtime} ${Number(worker) % HOSTS}`;
      const command = runtime === 'Deno' ? onDeno() : onNode(script);
      // The suite that comes after one that has ended it gets another.
      const host = hosts.get(name) ?? startHost(command, folder, () => hosts.delete(name));
      hosts.set(name, host);
      response.end(String(await host));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.env['TEST_HOSTS'] = String(port);
  return async () => {
    isEnding = true;
    server.close();
    await clean();
    await cleanOut();
  };
}

/**
 * @param {string} script
 * @returns {[string, ...string[]]}
 */
const onNode = (script) => [process.execPath, script];

/** @returns {[string, ...string[]]} */
function onDeno() {
  const deno = join(ROOT, 'node_modules', '.bin', 'deno');
  const options = ['--quiet', '--no-prompt', '--allow-all', `--config=${join(ROOT, 'deno.json')}`];
  return [deno, 'run', ...options, join(ROOT, SCRIPT)];
}

/** As `npm start` and `deno task start` do it. */
const SETTINGS = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '32768',
  DENO_V8_FLAGS: '--max-semi-space-size=4,--heap-growing-percent=50',
  // Each topic of each gateway takes one on Node.
  UV_THREADPOOL_SIZE: '256',
};

/**
 * @param {[string, ...string[]]} command
 * @param {string} folder
 * @param {() => void} onEnd
 * @returns {Promise<number>} the port that it takes commands on
 */
function startHost([file, ...args], folder, onEnd) {
  const env = { ...process.env, ...SETTINGS, TEST_FOLDER: folder };
  const child = spawn(file, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file} did not start`)), START_MS);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const told = `${file} ended with ${code ?? signal}`;
      onEnd();
      // Its cases say no more than that it does not answer.
      if (!isEnding) process.stderr.write(`tests: ${told}\n`);
      reject(new Error(told));
    });
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
