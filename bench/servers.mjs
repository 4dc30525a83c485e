import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench_error.mjs';
import { nchanCommand, nchanMissing } from './servers/nchan.mjs';

/** @typedef {import('./producer.mjs').Sink} Sink */

/**
 * What a server is started for.
 *
 * @typedef {object} Place
 * @property {string} brokers
 * @property {string} topic
 * @property {number} partitions
 * @property {number} port
 * @property {number} adminPort
 * @property {string} folder
 */

/**
 * A server to measure.
 *
 * @typedef {object} Server
 * @property {string} name
 * @property {string | null} missing why it cannot be run here
 * @property {boolean} history whether a new client gets the records that are there already
 * @property {boolean} ours whether it has what only the gateway has (`format=json`, partitions)
 * @property {(place: Place) => Promise<string[]> | string[]} command
 * @property {Record<string, string>} [env]
 * @property {(place: Place) => string} url of the stream
 * @property {(place: Place) => string} readyUrl answers with 200 once it can be measured
 * @property {(place: Place) => Sink} sink
 */

const CLONE = fileURLToPath(new URL('..', import.meta.url));
const READY_MS = 30_000;
const STOP_MS = 2000;
const POLL_MS = 20;

/**
 * @param {Partial<Server> & Pick<Server, 'name' | 'command'>} server
 * @returns {Server}
 */
function withDefaults(server) {
  const url = (/** @type {Place} */ { port, topic }) => `http://127.0.0.1:${port}/${topic}`;
  return {
    missing: null,
    history: false,
    ours: false,
    url,
    readyUrl: url,
    sink: ({ brokers, topic, partitions }) => ({ kind: 'kafka', brokers, topic, partitions }),
    ...server,
  };
}

/** @param {Pick<Server, 'name' | 'command' | 'missing' | 'env'>} server */
function gateway(server) {
  return withDefaults({
    ...server,
    history: true,
    ours: true,
    readyUrl: ({ adminPort }) => `http://127.0.0.1:${adminPort}/readyz`,
  });
}

/** @param {string} file */
const program = (file) => () => [process.execPath, join(CLONE, 'bench', 'servers', file)];

/** @returns {Server[]} all that are measured side by side, the peers of the command line left out */
export function knownServers() {
  return [
    gateway({
      name: 'gateway on Node',
      missing: null,
      // As `npm start` does it.
      env: { MALLOC_ARENA_MAX: '2' },
      command: () => [process.execPath, join(CLONE, 'dist', 'runtime', 'start.cjs')],
    }),
    gateway({
      name: 'gateway on Deno',
      missing: denoMissing(),
      command: () => [deno() ?? 'deno', 'run', '-A', join(CLONE, 'runtime', 'deno.ts')],
    }),
    withDefaults({ name: 'bare node:http', command: program('node_http_server.mjs') }),
    withDefaults({ name: 'Hono streamSSE', command: program('stream_sse_server.mjs') }),
    withDefaults({
      name: 'nginx + nchan',
      missing: nchanMissing(),
      command: ({ folder, port }) => nchanCommand(folder, port),
      sink: ({ port }) => ({ kind: 'post', url: `http://127.0.0.1:${port}/publish` }),
    }),
  ];
}

/**
 * A server of the command line.
 *
 * @param {import('./options.mjs').PeerOptions} options
 */
export function peerServer({ name, command, url, feed, history }) {
  /** @type {(text: string, place: Place) => string} */
  const filled = (text, { port, topic }) =>
    text.replaceAll('{port}', String(port)).replaceAll('{topic}', topic);
  const here = (/** @type {Place} */ place) => filled(url, place);
  const sink = (/** @type {Place} */ place) => {
    const { brokers, topic, partitions } = place;
    if (feed === null) return /** @type {Sink} */ ({ kind: 'kafka', brokers, topic, partitions });
    const [method, target = ''] = feed.split(' ');
    const kind = method === 'POST' ? 'post' : 'own';
    return /** @type {Sink} */ ({ kind, url: filled(target, place) });
  };
  return withDefaults({
    name,
    history,
    command: (place) => ['sh', '-c', `exec ${filled(command, place)}`],
    url: here,
    readyUrl: here,
    sink,
  });
}

function denoMissing() {
  if (!existsSync(join(CLONE, 'runtime', 'deno.ts'))) return 'not there (no runtime/deno.ts)';
  return deno() === null ? 'not there (no deno)' : null;
}

/** The system's, else that of the npm package. */
function deno() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const files = [
    ...folders.map((folder) => join(folder, 'deno')),
    join(CLONE, 'node_modules', 'deno', 'deno'),
  ];
  return files.find((file) => existsSync(file)) ?? null;
}

/** A server that runs, alone on its core. */
export class RunningServer {
  #child;
  #log;

  /**
   * @param {Server} server
   * @param {Place} place
   * @param {string} core
   */
  static async start(server, place, core) {
    const log = join(place.folder, 'server.log');
    const command = await server.command(place);
    const { PATH = '', HOME = '', BENCH_FOLDER = '' } = process.env;
    const out = openSync(log, 'w');
    const child = spawn('taskset', ['-c', core, ...command], {
      cwd: place.folder,
      env: {
        PATH,
        HOME,
        BENCH_FOLDER,
        KAFKA_BROKERS: place.brokers,
        TOPICS: place.topic,
        HOST: '127.0.0.1',
        HTTP_PORT: String(place.port),
        HTTPS_PORT: '0',
        ADMIN_PORT: String(place.adminPort),
        LOG_LEVEL: 'warn',
        ...server.env,
      },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    const running = new RunningServer(child, log);
    await running.#untilReady(server.readyUrl(place), server.name);
    return running;
  }

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} log
   */
  constructor(child, log) {
    this.#child = child;
    this.#log = log;
    child.on('error', () => {}); // It then has no pid.
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  get #hasEnded() {
    const { pid, exitCode, signalCode } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  async stop() {
    const deadline = performance.now() + STOP_MS;
    // At once where the gateway would drain.
    this.#child.kill('SIGINT');
    while (!this.#hasEnded) {
      await delay(POLL_MS);
      if (performance.now() > deadline) this.#child.kill('SIGKILL');
    }
  }

  /**
   * @param {string} url
   * @param {string} name
   */
  async #untilReady(url, name) {
    const deadline = performance.now() + READY_MS;
    while (!(await answers(url))) {
      if (this.#hasEnded || performance.now() > deadline) {
        await this.stop();
        const said = readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
        throw new BenchError(`${name} did not answer on ${url}; it said:\n${said}`);
      }
      await delay(POLL_MS);
    }
  }
}

/**
 * Whether the head of a 200 comes; a stream's body is not waited for.
 *
 * @param {string} url
 * @returns {Promise<boolean>}
 */
function answers(url) {
  return new Promise((resolve) => {
    const headers = { accept: 'text/event-stream' };
    const request = get(url, { agent: false, timeout: 2000, headers }, (response) => {
      resolve(response.statusCode === 200);
      request.destroy();
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
