import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from './bench_error.mjs';

/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./servers.mjs').Place} Place */

const READY_MS = 30_000;
const ASK_MS = 2000;
const STOP_MS = 2000;
const POLL_MS = 20;
const LAST_LINES = 10;

/** A server that runs, alone on its core. */
export class RunningServer {
  #child;
  #log;

  /**
   * @param {Server} server
   * @param {Place} place
   * @param {string} core
   * @param {Record<string, string>} [settings]
   */
  static async start(server, place, core, settings = {}) {
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
        HTTPS_PORT: String(place.httpsPort),
        ADMIN_PORT: String(place.adminPort),
        LOG_LEVEL: 'warn',
        ...server.env,
        ...settings,
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

  /** Ends it as a power cut would. */
  async kill() {
    this.#child.kill('SIGKILL');
    while (!this.#hasEnded) await delay(POLL_MS);
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
        const said = readFileSync(this.#log, 'utf8')
          .trimEnd()
          .split('\n')
          .slice(-LAST_LINES)
          .join('\n');
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
    const request = get(url, { agent: false, timeout: ASK_MS, headers }, (response) => {
      resolve(response.statusCode === 200);
      request.destroy();
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
