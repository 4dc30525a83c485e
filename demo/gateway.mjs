import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { loadBuilt } from '../bench/built.mjs';
import { root } from '../install/clone.mjs';
import { Market } from './market.mjs';

const { freePort } = await loadBuilt('runtime/embedded_kafka/ports.js');

const READY_MS = 60_000;
const POLL_MS = 50;
const ASK_MS = 1000;
/** Kills the gateway once its stdin is closed: the kernel does that when this process dies, too. */
const LEASH = '"$@" & read -r _; kill -9 $!';

/** A gateway as `npm start` starts it, which can be killed and started again. */
export class Gateway {
  isUp = false;
  port = 0;
  #name;
  #env;
  #adminPort = 0;
  /** @type {import('node:child_process').ChildProcess | null} */
  #leash = null;
  #cpuSeconds = 0;

  /**
   * @param {string} name
   * @param {Record<string, string>} env
   */
  constructor(name, env) {
    this.#name = name;
    this.#env = env;
  }

  get name() {
    return this.#name;
  }

  /** Resolves once its topics are loaded. @param {AbortSignal} signal */
  async start(signal) {
    this.port ||= await freePort();
    this.#adminPort ||= await freePort();
    const { PATH = '', HOME = '' } = process.env;
    const gateway = ['--max-semi-space-size=4', join(root, 'dist', 'runtime', 'start.cjs')];
    this.#leash = spawn('sh', ['-c', LEASH, 'gateway', process.execPath, ...gateway], {
      // A session of its own, so that Ctrl-C does not reach it.
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
      env: {
        PATH,
        HOME,
        MALLOC_ARENA_MAX: '2',
        HOST: '127.0.0.1',
        HTTP_PORT: String(this.port),
        HTTPS_PORT: '0',
        ADMIN_PORT: String(this.#adminPort),
        TOPICS: `${Market.PRICES},${Market.ORDERS}`,
        LOG_LEVEL: 'error',
        ...this.#env,
      },
    });
    this.#cpuSeconds = 0;
    const deadline = performance.now() + READY_MS;
    while ((await this.#ask('readyz')) === null) {
      if (performance.now() > deadline) throw new Error(`Gateway ${this.#name} does not get ready`);
      await delay(POLL_MS, undefined, { signal });
    }
    this.isUp = true;
    await this.cpu(); // Its start is no delivery's.
  }

  /** As a power cut does. */
  async kill() {
    this.isUp = false;
    const leash = this.#leash;
    this.#leash = null;
    if (leash === null || leash.exitCode !== null || leash.signalCode !== null) return;
    const ended = once(leash, 'exit');
    leash.stdin?.end();
    await ended;
  }

  /** CPU seconds that it took since it was last asked. */
  async cpu() {
    const text = this.isUp ? await this.#ask('metrics') : null;
    const [, seconds] = /^process_cpu_seconds_total (\S+)$/m.exec(text ?? '') ?? [];
    if (seconds === undefined) return 0;
    const before = this.#cpuSeconds;
    this.#cpuSeconds = Number(seconds);
    return Math.max(0, this.#cpuSeconds - before);
  }

  /** @param {string} path @returns {Promise<string | null>} `null` for anything but 200 */
  async #ask(path) {
    try {
      const url = `http://127.0.0.1:${this.#adminPort}/${path}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
      const text = await response.text();
      return response.ok ? text : null;
    } catch {
      return null;
    }
  }
}
