import { createConnection, createServer } from 'node:net';

const CONNECT_DEADLINE_MS = 1000;

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

/** A port of 127.0.0.1 that was free just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      server.close(() => resolve(port));
    });
  });
}
