import { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { endWithin, MAX_HEAD_BYTES, Requests } from './requests.ts';

/** Behind the timer of a turn that was begun before. */
const turn = (): Promise<void> => delay(0);

/** What is looked at of a stream. */
class Stream extends EventEmitter {
  readonly session: object;
  closed = false;
  isDestroyed = false;

  constructor(session: object) {
    super();
    this.session = session;
  }

  /** By its client. */
  reset(): void {
    this.closed = true;
    this.emit('aborted');
  }

  destroy(): void {
    this.isDestroyed = true;
    this.close();
  }

  close(): void {
    this.closed = true;
    this.emit('close');
  }
}

interface Exchange {
  readonly request: { readonly rawHeaders: readonly string[] };
  readonly response: { readonly stream: Stream };
}

function exchange(session: object, ...rawHeaders: string[]): Exchange {
  return { request: { rawHeaders }, response: { stream: new Stream(session) } };
}

function answerOf({ response }: Exchange): Http2ServerResponse {
  return response as unknown as Http2ServerResponse;
}

/** Requests that were begun, in their order, and connections that were cut. */
function limited() {
  const begun: unknown[] = [];
  const cut: unknown[] = [];
  const requests = new Requests((session) => {
    cut.push(session);
  });
  const listener = requests.limit((request) => begun.push(request));
  const send = (one: Exchange): void =>
    listener(one.request as unknown as Http2ServerRequest, answerOf(one));
  return { requests, send, begun, cut };
}

const EVENT_STREAM = new Response(null, { headers: { 'content-type': 'text/event-stream' } });
const FILE = new Response('it');
const NO_CUT = { cut: (): void => {} };
const MAX_ANSWERS = 64;

/** Settles once nothing waits for a turn. */
async function turns(): Promise<void> {
  for (let n = 0; n < 100; n++) await turn();
}

describe('Requests', () => {
  test('limit() begins many requests in several turns of the event loop', async () => {
    const { send, begun } = limited();
    for (let n = 0; n < 1000; n++) send(exchange({}, 'a', 'b'));
    expect(begun.length).toBeLessThan(100);
    await turn();
    expect(begun.length).toBeLessThan(200);
    while (begun.length < 1000) await turn();
  });

  test('limit() begins as many answers of one connection as are taken, and of others beside', async () => {
    const { send, begun } = limited();
    const session = {};
    const all = Array.from({ length: 100 }, () => exchange(session));
    for (const one of all) send(one);
    await turns();
    expect(begun).toEqual(all.slice(0, MAX_ANSWERS).map(({ request }) => request));
    const other = exchange({});
    send(other);
    await turns();
    expect(begun.at(-1)).toBe(other.request);
    all[0]!.response.stream.close();
    await turns();
    expect(begun.slice(MAX_ANSWERS + 1)).toEqual([all[MAX_ANSWERS]!.request]);
  });

  test('prepare() makes room for the next answer where this one is an event stream', async () => {
    const { requests, send, begun } = limited();
    const session = {};
    const all = Array.from({ length: 1000 }, () => exchange(session));
    for (const one of all) send(one);
    for (let n = 0; n < all.length; n++) {
      while (begun.length <= n) await turn();
      requests.prepare(answerOf(all[n]!), EVENT_STREAM, NO_CUT);
    }
    expect(begun).toEqual(all.map(({ request }) => request));
    // Their end makes no more.
    for (const { response } of all) response.stream.close();
    for (let n = 0; n < 100; n++) send(exchange(session));
    await turns();
    expect(begun).toHaveLength(all.length + MAX_ANSWERS);
  });

  test('limit() never begins a request that was reset before its turn, and lets go of it', async () => {
    const { send, begun } = limited();
    const session = {};
    const all = Array.from({ length: 200 }, () => exchange(session));
    for (const one of all) send(one);
    const atOnce = begun.length;
    for (const { response } of all) response.stream.reset();
    const last = exchange(session);
    send(last);
    while (begun.at(-1) !== last.request) await turn();
    expect(begun).toHaveLength(atOnce + 1);
    const late = exchange(session);
    late.response.stream.closed = true;
    send(late);
    await turns();
    expect([...all, late].filter(({ response }) => !response.stream.isDestroyed)).toEqual([]);
  });

  test('limit() cuts a connection for one head above 96 kB', () => {
    const { send, begun, cut } = limited();
    const session = {};
    send(exchange(session, ...Array.from({ length: 50 }, () => ['x', 'y'.repeat(3900)]).flat()));
    expect(cut).toEqual([session]);
    expect(begun).toHaveLength(0);
  });

  test('limit() cuts a connection that sends heads above 64 kB again and again', async () => {
    const { send, begun, cut } = limited();
    const session = {};
    const large = (): Exchange => exchange(session, 'x', 'y'.repeat(MAX_HEAD_BYTES));
    for (let n = 0; n < 10; n++) send(large());
    while (begun.length < 10) await turn();
    expect(cut).toHaveLength(0);
    send(large());
    expect(cut).toEqual([session]);
  });

  test('watch() cuts a connection that sends pings and settings without end', async () => {
    const cut: unknown[] = [];
    const requests = new Requests((session) => {
      cut.push(session);
    });
    const session = new EventEmitter();
    requests.watch(session as unknown as ServerHttp2Session);
    for (let n = 0; n < 500; n++) {
      session.emit('ping');
      session.emit('remoteSettings');
    }
    await turn();
    expect(cut).toHaveLength(0);
    session.emit('ping');
    await turn();
    expect(cut).toEqual([session]);
  });

  test('limit() begins many requests of HTTP/1.1 in several turns, and none of who has left', async () => {
    const begun: unknown[] = [];
    const listener = new Requests(() => {}).limit((request) => begun.push(request));
    const sockets = Array.from({ length: 1000 }, (_, n) => ({ destroyed: n % 2 === 1 }));
    for (const socket of sockets) listener({ socket } as IncomingMessage, {} as ServerResponse);
    expect(begun.length).toBeLessThan(100);
    while (begun.length < 500) await turn();
    expect(begun).toEqual(sockets.flatMap((socket) => (socket.destroyed ? [] : [{ socket }])));
  });

  test('endWithin() cuts a request of HTTP/1.1 whose answer is not taken, and no other', () => {
    jest.useFakeTimers();
    try {
      const cut: string[] = [];
      const answers = ['slow', 'quick'].map((name) => {
        const answer = new ServerResponse({} as IncomingMessage);
        endWithin(answer, { cut: () => cut.push(name) });
        return answer;
      });
      answers[1]!.emit('close');
      jest.advanceTimersByTime(60_000);
      expect(cut).toEqual(['slow']);
    } finally {
      jest.useRealTimers();
    }
  });

  test('prepare() cuts a request whose answer is not taken, and no other', () => {
    jest.useFakeTimers();
    try {
      const { requests } = limited();
      const cut: string[] = [];
      const prepare = (name: string, response: Response): Stream => {
        const one = exchange({});
        requests.prepare(answerOf(one), response, { cut: () => cut.push(name) });
        return one.response.stream;
      };
      prepare('slow', FILE);
      prepare('quick', FILE).close();
      prepare('a stream', EVENT_STREAM);
      jest.advanceTimersByTime(60_000);
      expect(cut).toEqual(['slow']);
    } finally {
      jest.useRealTimers();
    }
  });
});
