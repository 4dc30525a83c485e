import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { expect, test } from '@jest/globals';
import { Authority } from '../../test/support/authority.ts';
import { within } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { IS_ALL } from '../../test/support/tier.ts';
import { ConnectionRoom } from './connection_room.ts';
import { listen } from './listen.ts';

/** Longer than a head may take; the process is at rest meanwhile. */
const STALL_MS = 10_500;

/** It takes its seconds. */
const testOfAll = IS_ALL ? test : () => {};

test('listen() answers a request', async () => {
  expect(await answerTo(() => {})).toMatch(/^HTTP\/1\.1 200 .*well$/s);
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
