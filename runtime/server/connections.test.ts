import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import type { Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ConnectionRoom } from './connection_room.ts';
import { Connections } from './connections.ts';

const MAX_IDLE_MS = 10_000;

/** A socket of this server, and what became of it. */
class FakeSocket extends EventEmitter {
  static #port = 1024;
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = FakeSocket.#port++;
  readonly told: string[] = [];

  setKeepAlive(): void {}

  destroySoon(): void {
    this.told.push('destroySoon');
  }

  destroy(): void {
    this.told.push('destroy');
  }

  resetAndDestroy(): void {
    this.told.push('reset');
  }
}

class FakeSession extends EventEmitter {
  readonly socket: FakeSocket;
  readonly told: string[] = [];
  destroyed = false;

  constructor(socket: FakeSocket) {
    super();
    this.socket = socket;
  }

  close(): void {
    this.told.push('close');
  }

  destroy(): void {
    this.destroyed = true;
    this.told.push('destroy');
    queueMicrotask(() => this.emit('close'));
  }
}

let server: EventEmitter & { close(done: () => void): void };
let connections: Connections;

function open(room?: Pick<ConnectionRoom, 'enter' | 'leave'>): void {
  server = Object.assign(new EventEmitter(), { close: (done: () => void) => done() });
  connections = new Connections(server as unknown as Server, room as ConnectionRoom | undefined);
}

function connect(): FakeSocket {
  const socket = new FakeSocket();
  server.emit('connection', socket);
  return socket;
}

/** Begins a request over HTTP/1.1. @returns its answer, whose end it tells by `close` */
function request(socket: FakeSocket): EventEmitter & { shouldKeepAlive: boolean } {
  const response = Object.assign(new EventEmitter(), { shouldKeepAlive: true });
  const incoming = { socket } as unknown as IncomingMessage;
  connections.begin(incoming, response as unknown as ServerResponse);
  return response;
}

function session(): FakeSession {
  const made = new FakeSession(connect());
  server.emit('session', made);
  return made;
}

/** Begins a request over HTTP/2. @returns its stream */
function requestOf(session: FakeSession): EventEmitter {
  const stream = Object.assign(new EventEmitter(), { session });
  const incoming = { socket: session.socket } as unknown as IncomingMessage;
  connections.begin(incoming, { stream } as unknown as Http2ServerResponse);
  return stream;
}

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  open();
});
afterEach(async () => {
  const closed = connections.close(0);
  jest.runOnlyPendingTimers();
  await closed;
  jest.useRealTimers();
});

describe('Connections', () => {
  test('Connections resets who finds no room, and gives it back with each that leaves', () => {
    let left = 1;
    open({ enter: () => left-- > 0, leave: () => left++ });
    const [first, second] = [connect(), connect()];
    expect([first.told, second.told]).toEqual([[], ['reset']]);
    left = 0;
    first.emit('close');
    expect(left).toBe(1);
  });

  test('Connections.isBusy() is true until the last request of a connection is over', () => {
    const socket = connect();
    const [first, second] = [request(socket), request(socket)];
    first.emit('close');
    expect(connections.isBusy(socket as never)).toBe(true);
    second.emit('close');
    expect(connections.isBusy(socket as never)).toBe(false);
  });

  test('Connections.drain() ends kept connections, others after their answers, and takes no more', () => {
    const [kept, busy, late] = [connect(), connect(), connect()];
    request(kept).emit('close');
    const response = request(busy);
    const http2 = session();
    connections.drain();
    expect([kept.told, busy.told, http2.told]).toEqual([['destroySoon'], [], ['close']]);
    response.emit('close');
    expect(busy.told).toEqual(['destroySoon']);
    expect(request(late).shouldKeepAlive).toBe(false);
  });

  test('Connections lets go of a session of HTTP/2 that is idle, and of no other', () => {
    const [idle, used] = [session(), session()];
    const stream = requestOf(used);
    jest.advanceTimersByTime(2 * MAX_IDLE_MS);
    expect([idle.told, used.told]).toEqual([['destroy'], []]);
    stream.emit('close');
    jest.advanceTimersByTime(2 * MAX_IDLE_MS);
    expect(used.told).toEqual(['destroy']);
    // It may wait for a client that takes nothing.
    expect(idle.socket.told).toEqual(['reset']);
  });

  test('Connections.cut() ends a session at once, and its socket soon', () => {
    const attack = session();
    connections.cut(attack as unknown as ServerHttp2Session);
    expect([attack.told, attack.socket.told]).toEqual([['destroy'], []]);
    jest.advanceTimersByTime(5_000);
    expect(attack.socket.told).toEqual(['reset']);
  });

  test('Connections.close() cuts what has not ended in its time', async () => {
    const socket = connect();
    request(socket);
    server.close = (done) => {
      socket.once('close', done);
    };
    const closed = connections.close(1000);
    jest.advanceTimersByTime(999);
    expect(socket.told).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(socket.told).toEqual(['destroy']);
    socket.emit('close');
    await closed;
    open();
  });
});
