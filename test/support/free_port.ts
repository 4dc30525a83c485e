import process from 'node:process';
import { canListen } from '../../runtime/embedded_kafka/ports.ts';

/** Below what Linux gives to outgoing connections, so that none of these takes the port first. */
const FIRST = 12_000;
const LAST = 32_000;

/** Suites that run beside each other do not take one that another was given and has not used yet. */
const WORKERS = 8;
const worker = Number(process.env['JEST_WORKER_ID'] ?? '0') % WORKERS;

const given = new Set<number>();

/** A port of this machine that nobody listens on; never the same twice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const row = Math.floor((Math.random() * (LAST - FIRST)) / WORKERS);
    const port = FIRST + row * WORKERS + worker;
    if (given.has(port)) continue;
    given.add(port);
    const taken = await Promise.all(['0.0.0.0', '::1'].map((host) => canListen(host, port)));
    if (!taken.includes('in use')) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}

/** Where a gateway listens, as its settings say it. */
export interface Ports {
  readonly HTTP_PORT: string;
  readonly HTTPS_PORT: string;
  readonly ADMIN_PORT: string;
}

/** Settings with three free ports. */
export async function freePorts(): Promise<Ports & Record<string, string>> {
  return {
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
  };
}
