import { createConnection, createServer } from 'node:net';

const CONNECT_DEADLINE_MS = 1000;
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
const MOST_TRIES = 100;

/** Whether somebody listens on a port of this machine where clients of `localhost` would reach it. */
export async function isTaken(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) {
    // On macOS one may listen on 127.0.0.1 while another has all addresses (Docker's proxy).
    if ((await canListen(host, port)) === 'in use' || (await canConnect(host, port))) return true;
  }
  return false;
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: CONNECT_DEADLINE_MS });
    const end = (connected: boolean): void => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(true)); // Its queue is full.
    socket.once('error', () => end(false));
  });
}

/** `no`: this machine has no such address, or the port may not be taken. */
export function canListen(host: string, port: number): Promise<'yes' | 'in use' | 'no'> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? 'in use' : 'no'),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('yes')));
  });
}

/**
 * A port of 127.0.0.1 that was free just now. None that an outgoing connection may get before it is
 * used, as Linux gives them from 32768 on: not even one to this very port, which would meet itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if ((await canListen('127.0.0.1', port)) === 'yes') return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}
