import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { within } from './deadline.ts';

/** A connection to a listener, below HTTP; over TLS with this protocol, if one is given. */
export function connectRaw(origin: string, alpn?: string): Promise<Socket> {
  const port = Number(new URL(origin).port);
  const connected = new Promise<Socket>((resolve, reject) => {
    const socket =
      alpn === undefined
        ? connect({ port, host: 'localhost' }, () => resolve(socket))
        : connectTls(
            { port, host: 'localhost', ALPNProtocols: [alpn], rejectUnauthorized: false },
            () => resolve(socket),
          );
    socket.on('error', reject);
  });
  return within(`a connection to ${origin}`, connected);
}

/**
 * Sends bytes, which are all there is where it ends. @returns what came up to the end of the first
 * answer's head, or of the connection
 */
export async function exchange(origin: string, bytes: Uint8Array, ends = true): Promise<string> {
  const socket = await connectRaw(origin);
  let got = '';
  try {
    const answered = new Promise<string>((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => resolve(got));
      socket.on('data', (some) => {
        got += some.toString('latin1');
        if (got.includes('\r\n\r\n')) resolve(got);
      });
    });
    if (ends) socket.end(bytes);
    // One that closes its side wants no stream.
    else socket.write(bytes);
    return await within(() => `an answer, or the end, after ${JSON.stringify(got)}`, answered);
  } finally {
    socket.destroy();
  }
}
