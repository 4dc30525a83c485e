import { createServer, type Server } from 'node:net';
import process from 'node:process';
import { canListen } from '../../runtime/embedded_kafka/ports.ts';

/** Below what Linux gives to outgoing connections, so that none of these takes the port first. */
const FIRST = 12_000;
const LAST = 32_000;

/** A port of this machine that nobody listens on; never the same twice, whoever else runs tests here. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!(await reserve(port))) continue;
    const taken = await Promise.all(['0.0.0.0', '::1'].map((host) => canListen(host, port)));
    if (!taken.includes('in use')) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}

/**
 * Keeps others from being given it until this process ends: between a gateway's stop and its next
 * start, too. Linux has names for sockets that lie in no folder, one set for all that share ports.
 */
function reserve(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  const server: Server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(`\0sse-kafka-test-port-${port}`, () => {
      server.unref();
      resolve(true);
    });
  });
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
