import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { type Answer, curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime, type Runtime } from '../support/runtime.ts';
import { SseStream, type StreamOptions } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { Gateway, kafka } from './face.ts';

const EVENTS = ['-H', 'Accept: text/event-stream'];
const BURST = 1000;

async function limited(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
): Promise<{ gateway: Gateway; topic: Topic; url: string; secureUrl: string }> {
  const topic = await kafka.createTopic();
  await topic.produce({ value: 'a' });
  const gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
  const path = `/${topic.name}`;
  return { gateway, topic, url: gateway.http + path, secureUrl: gateway.https + path };
}

/** Over HTTP/1.1, over it with TLS, and over HTTP/2. */
async function onAllProtocols(
  { url, secureUrl }: { url: string; secureUrl: string },
  use: (open: () => Promise<SseStream>) => Promise<void>,
  options: StreamOptions = {},
): Promise<void> {
  await use(() => SseStream.open(url, options));
  await use(() => SseStream.open(secureUrl, options));
  const sessions: H2Session[] = [];
  try {
    await use(() => {
      const h2 = new H2Session(secureUrl);
      sessions.push(h2);
      return SseStream.open(secureUrl, { ...options, h2: h2.session });
    });
  } finally {
    for (const h2 of sessions) await h2[Symbol.asyncDispose]();
  }
}

/** Opens a stream as soon as there is a place for it again. */
function untilLetIn(open: () => Promise<SseStream>): Promise<SseStream> {
  return eventually('a place for a stream', async () => {
    const stream = await open();
    if (stream.status === 200) return stream;
    await stream[Symbol.asyncDispose]();
    return null;
  });
}

function expectRefused(answer: Answer, status: number): void {
  expect(answer.status).toBe(status);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(10);
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(20);
  expect(answer.headers.get('access-control-expose-headers')).toContain('Retry-After');
  expect(`${answer.body}`).toMatch(/^[^\n]+\n$/);
}

/** Connections that each send the head of a request, all at once, once all of them are there. */
class Burst implements Disposable {
  answered = 0;
  readonly #sockets;
  readonly #head: string;

  constructor(url: string, count: number) {
    const { hostname, port, pathname, host } = new URL(url);
    this.#head = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    this.#sockets = Array.from({ length: count }, () => connect(Number(port), hostname));
    for (const socket of this.#sockets) {
      socket.once('data', () => this.answered++);
      socket.on('error', () => {});
    }
  }

  async connected(): Promise<void> {
    const all = this.#sockets.map(
      (socket) => !socket.connecting || once(socket, 'connect').then(() => true),
    );
    await within('all connections', Promise.all(all));
  }

  ask(): void {
    for (const socket of this.#sockets) socket.write(this.#head);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

onEachRuntime((runtime) => {
  describe('a burst of connects', () => {
    test('is let in by turns, between which those who are there get what comes', async () => {
      const at = await limited(runtime, {});
      await using _gateway = at.gateway;
      await using stream = await SseStream.open(at.url);
      await stream.untilEvents(1);
      using burst = new Burst(at.url, BURST);
      await burst.connected();
      burst.ask();
      let records = 0;
      while (burst.answered < BURST) {
        records++;
        await at.topic.produce({ value: 'b' });
        await stream.untilEvents(1 + records);
      }
      // Each is written when the one before has come.
      expect(records).toBeGreaterThan(BURST / 100);
    });
  });

  describe('MAX_CONNECTIONS', () => {
    test('refuses more with 503, Retry-After and one line, on every protocol', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = at.gateway;
      await onAllProtocols(at, async (open) => {
        await using stream = await untilLetIn(open);
        await stream.untilEvents(1);
        expectRefused(await curl(at.url), 503);
        expectRefused(await curl('--http1.1', at.secureUrl), 503);
        expectRefused(await curl('--http2', at.secureUrl), 503);
      });
    });

    test('lets a refused client come by a new connection, which another gateway may take', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = at.gateway;
      const secureUrl = at.secureUrl;
      await using h2 = new H2Session(secureUrl);
      await using stream = await SseStream.open(secureUrl, { h2: h2.session });
      await stream.untilEvents(1);
      const kept = await curl(`${at.gateway.http}/index.html`);
      expect(kept.headers.get('connection')).toBe('keep-alive');
      for (const url of [[at.url], ['--http1.1', secureUrl]]) {
        expect((await curl(...url)).headers.get('connection')).toBe('close');
      }
      await using refused = await SseStream.open(secureUrl, { h2: h2.session });
      expect(refused.status).toBe(503);
      expect(await within('GOAWAY', h2.goaway)).toBe(0);
      await within('the end of the refusal', refused.over);
      await at.topic.produce({ value: 'b' });
      await stream.untilEvents(2);
    });

    test('gives an EventSource the time to come back alone, and the end', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = at.gateway;
      await using stream = await SseStream.open(at.url);
      await stream.untilEvents(1);
      const times = new Set<string>();
      for (const accept of ['text/event-stream', 'text/html, Text/Event-Stream;q=0.9']) {
        for (const url of [[at.url], ['--http1.1', at.secureUrl], ['--http2', at.secureUrl]]) {
          const answer = await curl('-H', `Accept: ${accept}`, ...url);
          expect(answer.status).toBe(200);
          expect(answer.headers.get('content-type')).toBe('text/event-stream');
          expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
          expect(answer.headers.get('access-control-allow-origin')).toBe('*');
          expect(`${answer.body}`).toMatch(/^retry:1\d{4}\n\n$|^retry:20000\n\n$/);
          times.add(`${answer.body}`);
        }
      }
      expect(times.size).toBeGreaterThan(1);
      expect((await curl('-H', 'Accept: text/event-streams, */*', at.url)).status).toBe(503);
    });

    test('never refuses HEAD, the page or health', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using gateway = at.gateway;
      for (let i = 0; i < 5; i++) expect((await curl('-I', at.url)).status).toBe(200);
      await using stream = await SseStream.open(at.url);
      await stream.untilEvents(1);
      for (const url of [`${gateway.http}/`, `${gateway.http}/-/topics`, `${gateway.admin}/readyz`])
        expect((await curl(url)).status).toBe(200);
      expect((await curl('-I', at.url)).status).toBe(200);
      expect((await curl('-I', '--http2', at.secureUrl)).status).toBe(200);
      expect((await curl(`${at.url}?since=x`)).status).toBe(400);
    });

    test('gives the place of a client that has gone to the next one', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = at.gateway;
      await onAllProtocols(at, async (open) => {
        (await untilLetIn(open)).cut();
        await using next = await untilLetIn(() => SseStream.open(at.url));
        await next.untilEvents(1);
      });
    });

    test.each([
      ['an error', constants.NGHTTP2_CANCEL],
      ['no error', constants.NGHTTP2_NO_ERROR],
    ])(
      'gives the place of a client that resets its stream with %s while bytes wait',
      async (_, code) => {
        const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
        await using _gateway = at.gateway;
        // More than a client takes that does not read.
        await at.topic.produce({ value: 'b'.repeat(500_000) });
        await using h2 = new H2Session(at.secureUrl);
        const stream = h2.session.request({ ':path': new URL(at.secureUrl).pathname });
        await within('the head', once(stream, 'response'));
        await eventually('bytes that nobody reads', async () => stream.readableLength > 16_000);
        stream.close(code);
        await using next = await untilLetIn(() => SseStream.open(at.url));
        await next.untilEvents(1);
      },
    );

    test('is never exceeded in a storm, and all places come back', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '20' });
      await using _gateway = at.gateway;
      for (const _ of [1, 2, 3]) {
        await using streams = new StreamGroup();
        const opened = await Promise.all(
          Array.from({ length: 100 }, async () => streams.add(await SseStream.open(at.url))),
        );
        const statuses = opened.map(({ status }) => status);
        // In the second round some of the first may not be over yet.
        const places = statuses.filter((status) => status === 200).length;
        expect(places).toBeLessThanOrEqual(20);
        expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
      }
      await using streams = new StreamGroup();
      for (let i = 0; i < 20; i++) streams.add(await untilLetIn(() => SseStream.open(at.url)));
      expectRefused(await curl(at.url), 503);
    });

    test('is survived by an EventSource, which is let in later', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = at.gateway;
      await using stream = await SseStream.open(at.url);
      await stream.untilEvents(1);
      const source = new EventSource(at.url);
      try {
        const refused = new Promise((resolve) => source.addEventListener('error', resolve));
        await within('the refusal', refused);
        expect(source.readyState).toBe(source.CONNECTING);
        const received = new Promise<string>((resolve) => {
          source.onmessage = ({ data }) => resolve(data);
        });
        stream.cut();
        expect(await within('the record, after 20 s at most', received)).toBe('a');
      } finally {
        source.close();
      }
    });

    test('of 0 is no limit', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS: '0', MAX_CONNECTIONS_PER_IP: '0' });
      await using _gateway = at.gateway;
      await using streams = new StreamGroup();
      for (let i = 0; i < 30; i++) {
        expect(streams.add(await SseStream.open(at.url)).status).toBe(200);
      }
    });
  });

  describe('MAX_CONNECTIONS_PER_IP', () => {
    test('refuses more of one address with 429, and lets others in', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS_PER_IP: '2' });
      await using _gateway = at.gateway;
      const url = at.url.replace('localhost', '127.0.0.1');
      const secureUrl = at.secureUrl.replace('localhost', '127.0.0.1');
      await using first = await SseStream.open(url);
      await using second = await SseStream.open(secureUrl);
      for (const stream of [first, second]) await stream.untilEvents(1);
      expectRefused(await curl(url), 429);
      expectRefused(await curl('--http2', secureUrl), 429);
      const answer = await curl(...EVENTS, url);
      expect([answer.status, `${answer.body}`]).toEqual([
        200,
        expect.stringMatching(/^retry:(1\d{4}|20000)\n\n$/),
      ]);
      const other = await curl('-I', '--interface', '127.0.0.2', url);
      expect(other.status).toBe(200);
      await using third = await SseStream.open(url, { localAddress: '127.0.0.2' });
      await third.untilEvents(1);
      first.cut();
      await using next = await untilLetIn(() => SseStream.open(url));
      await next.untilEvents(1);
    });

    test('takes no word of the client for its address without TRUST_PROXY', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS_PER_IP: '1' });
      await using _gateway = at.gateway;
      await using stream = await SseStream.open(at.url, {
        headers: { 'x-forwarded-for': '192.0.2.1' },
      });
      await stream.untilEvents(1);
      expectRefused(await curl('-H', 'X-Forwarded-For: 192.0.2.2', at.url), 429);
    });
  });

  describe('TRUST_PROXY', () => {
    test('takes the last entry of X-Forwarded-For for the address', async () => {
      const at = await limited(runtime, { MAX_CONNECTIONS_PER_IP: '1', TRUST_PROXY: 'true' });
      await using _gateway = at.gateway;
      const from = (value: string): string[] => ['-H', `X-Forwarded-For: ${value}`];
      await onAllProtocols(
        at,
        async (open) => {
          await using stream = await untilLetIn(open);
          await stream.untilEvents(1);
          expectRefused(await curl(...from('192.0.2.1'), at.url), 429);
          // What stands before the last entry is the client's word.
          expectRefused(await curl(...from('198.51.100.7, 192.0.2.1'), at.url), 429);
          expectRefused(await curl(...from('198.51.100.7'), ...from('192.0.2.1'), at.url), 429);
          await using other = await SseStream.open(at.url, {
            headers: { 'x-forwarded-for': '192.0.2.1, 192.0.2.2' },
          });
          await other.untilEvents(1);
        },
        { headers: { 'x-forwarded-for': '203.0.113.5,192.0.2.1' } },
      );
    });
  });
});
