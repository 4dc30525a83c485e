import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { endWithin, Http2Requests, MAX_HEAD_BYTES } from './http2_requests.ts';

/** What is looked at of a request and its response. */
interface Exchange {
  readonly request: { readonly rawHeaders: readonly string[] };
  readonly response: {
    readonly stream: { readonly session: object; closed: boolean; destroy(): void };
  };
}

function exchange(session: object, ...rawHeaders: string[]): Exchange {
  return {
    request: { rawHeaders },
    response: { stream: { session, closed: false, destroy: () => {} } },
  };
}

/** Requests that were begun, in their order, and connections that were cut. */
function limited(): { send(one: Exchange): void; begun: unknown[]; cut: unknown[] } {
  const begun: unknown[] = [];
  const cut: unknown[] = [];
  const requests = new Http2Requests((session) => {
    cut.push(session);
  });
  const listener = requests.limit((request) => begun.push(request));
  return {
    send: ({ request, response }) =>
      listener(
        request as unknown as Http2ServerRequest,
        response as unknown as Http2ServerResponse,
      ),
    begun,
    cut,
  };
}

describe('Http2Requests', () => {
  test('limit() begins many requests in several turns of the event loop', async () => {
    const { send, begun } = limited();
    const session = {};
    for (let n = 0; n < 1000; n++) send(exchange(session, 'a', 'b'));
    expect(begun.length).toBeLessThan(100);
    await turn();
    expect(begun.length).toBeLessThan(200);
    while (begun.length < 1000) await turn();
  });

  test('limit() never begins a request that was reset before its turn', async () => {
    const { send, begun } = limited();
    const session = {};
    const all = Array.from({ length: 200 }, () => exchange(session));
    for (const one of all) send(one);
    const atOnce = begun.length;
    for (const { response } of all) response.stream.closed = true;
    const last = exchange(session);
    send(last);
    while (begun.at(-1) !== last.request) await turn();
    expect(begun).toHaveLength(atOnce + 1);
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
    const requests = new Http2Requests((session) => {
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

  test('limit() hands on what is no HTTP/2 as it comes', () => {
    const begun: unknown[] = [];
    const listener = new Http2Requests(() => {}).limit((request) => begun.push(request));
    const request = {} as IncomingMessage;
    for (let n = 0; n < 1000; n++) listener(request, {} as ServerResponse);
    expect(begun).toHaveLength(1000);
  });
});

describe('endWithin()', () => {
  test('cuts a request whose answer is not taken, and no other', () => {
    jest.useFakeTimers();
    try {
      const cut: string[] = [];
      const [slow, quick] = [new EventEmitter(), new EventEmitter()];
      const of = (stream: EventEmitter) => ({ stream }) as unknown as Http2ServerResponse;
      endWithin(of(slow), { cut: () => cut.push('slow') });
      endWithin(of(quick), { cut: () => cut.push('quick') });
      quick.emit('close');
      jest.advanceTimersByTime(60_000);
      expect(cut).toEqual(['slow']);
    } finally {
      jest.useRealTimers();
    }
  });
});
