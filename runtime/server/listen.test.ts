import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { expect, jest, test } from '@jest/globals';
import { Authority } from '../../test/support/authority.ts';
import { within } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { IS_ALL } from '../../test/support/tier.ts';
import { ConnectionRoom } from './connection_room.ts';
import { listen } from './listen.ts';
import type { ListenOptions } from './listeners.ts';

/** Longer than a head may take; the process is at rest meanwhile. */
const STALL_MS = 10_500;

/** It takes its seconds. */
const testOfAll = IS_ALL ? test : () => {};

test('listen() answers a request', async () => {
  expect(await answerTo(() => {})).toMatch(/^HTTP\/1\.1 200 .*well$/s);
});

test('listen() cuts whoever does not take an answer, and no other', async () => {
  const port = await freePort();
  const whole = new Uint8Array(32 * 2 ** 20);
  const fetch: ListenOptions['fetch'] = (request, connection) => {
    if (request.url.endsWith('/watched')) connection.watched?.();
    return new Response(request.url.endsWith('/small') ? 'well' : whole);
  };
  const listener = await listen({ fetch, host: '127.0.0.1', port, certificate: null });
  const ask = async (path: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  };
  const took = async (socket: Socket): Promise<number> => {
    let bytes = 0;
    socket.on('data', (piece) => {
      bytes += piece.length;
      if (bytes > whole.length) socket.destroy();
    });
    await once(socket, 'close');
    return bytes;
  };
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'queueMicrotask'] });
  try {
    const [stopped, watched, small] = await Promise.all(['/', '/watched', '/small'].map(ask));
    jest.advanceTimersByTime(30_000);
    expect(await took(stopped!)).toBeLessThan(whole.length);
    expect(await took(watched!)).toBeGreaterThan(whole.length);
    small!.write('GET /watched HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await took(small!)).toBeGreaterThan(whole.length);
  } finally {
    jest.useRealTimers();
    await listener.close(0);
  }
});

testOfAll('listen() reads what lies there before it calls a head late', async () => {
  expect(await answerTo(stall)).toMatch(/^HTTP\/1\.1 200 .*well$/s);
});

testOfAll('listen() answers nothing where the TLS handshake is late', async () => {
  const authority = await Authority.create();
  const certificate = await authority.issue({ name: 'localhost' });
  const port = await freePort();
  const room = new Room();
  const fetch = (): Response => new Response('well');
  const listener = await listen({ fetch, host: '127.0.0.1', port, certificate, room });
  const socket = connect(port, '127.0.0.1');
  try {
    await within('a connection', Promise.all([once(socket, 'connect'), room.entered]));
    const secure = connectTls({ socket, rejectUnauthorized: false });
    secure.on('error', () => {});
    secure.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    stall();
    const answer = text(secure).catch(() => '');
    // A client comes back from a cut; an EventSource never from a refusal.
    expect(await within('a cut', answer)).toBe('');
  } finally {
    socket.destroy();
    await listener.close(0);
  }
});

function stall(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
}

/** Says when a connection has come. */
class Room extends ConnectionRoom {
  readonly entered: Promise<void>;
  #enter = (): void => {};

  constructor() {
    super(1);
    this.entered = new Promise((resolve) => {
      this.#enter = resolve;
    });
  }

  override enter(): boolean {
    this.#enter();
    return super.enter();
  }
}

/** @param behind what the process does once it has the connection, and the kernel its request */
async function answerTo(behind: () => void): Promise<string> {
  const port = await freePort();
  const room = new Room();
  const listener = await listen({
    fetch: () => new Response('well'),
    host: '127.0.0.1',
    port,
    certificate: null,
    room,
  });
  const socket = connect(port, '127.0.0.1');
  try {
    await within('a connection', Promise.all([once(socket, 'connect'), room.entered]));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    behind();
    return await within('the answer', text(socket));
  } finally {
    socket.destroy();
    await listener.close(0);
  }
}
