import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { run } from '../support/program.ts';
import { connectRaw, exchange } from '../support/raw_exchange.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { Gateway, kafka } from './face.ts';

const STREAM_HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, WWW-Authenticate, ETag',
};

/** Of the connection, not of the answer. */
const OF_THE_CONNECTION = ['connection', 'date', 'keep-alive', 'transfer-encoding'];

function withoutConnection(headers: Iterable<[string, unknown]>): Record<string, unknown> {
  return Object.fromEntries([...headers].filter(([name]) => !OF_THE_CONNECTION.includes(name)));
}

onEachRuntime((runtime) => {
  describe('a stream over HTTP', () => {
    let topic!: Topic;
    let compacted!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      compacted = await kafka.createTopic({ name: `${topic.name}.c_1-X`, compacted: true });
      return Gateway.startReady(runtime, { topics: [topic.name, compacted.name] });
    });
    const url = (): string => `${gateway().http}/${topic.name}`;

    test('has the head of the contract and no other, whatever is accepted', async () => {
      for (const headers of [
        {},
        { accept: 'text/event-stream', 'accept-encoding': 'gzip, br' },
        { 'if-none-match': '*', range: 'bytes=0-1' },
      ]) {
        await using stream = await gateway().stream(`/${topic.name}`, { headers });
        expect(stream.status).toBe(200);
        expect(withoutConnection(Object.entries(stream.headers))).toEqual(STREAM_HEAD);
        await stream.until('the first block', () => stream.blocks.length > 0);
      }
    });

    test('is taken by the name of any topic, its characters escaped or not', async () => {
      await compacted.produce({ key: 'k', value: 'v' });
      for (const path of [compacted.name, compacted.name.replaceAll('.', '%2E')]) {
        await using stream = await gateway().stream(`/${path}`);
        expect((await stream.untilEvents(1))[0]!.data).toBe('v');
      }
    });

    test('HEAD has the same head, no body, and leaves the connection free', async () => {
      const answer = await curl('-I', url());
      expect(answer.status).toBe(200);
      expect(withoutConnection(answer.headers)).toEqual(STREAM_HEAD);
      expect(answer.body).toHaveLength(0);

      const urls = Array.from({ length: 200 }, () => url());
      const { stdout } = await run(['curl', '-sSI', '-w', 'connects %{num_connects}\n', ...urls]);
      const connects = stdout.toString().match(/(?<=connects )\d/g);
      expect(connects?.join('')).toBe('1'.padEnd(200, '0'));
    });

    test('OPTIONS is 204', async () => {
      const answer = await curl('-X', 'OPTIONS', url());
      expect(answer.status).toBe(204);
      expect(answer.body).toHaveLength(0);
    });

    test('a method that only reads is the only one below /-/', async () => {
      const answer = await curl('-X', 'POST', `${gateway().http}/-/topics`);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    });

    test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is 405 with Allow', async (method) => {
      const body = method === 'DELETE' ? [] : ['-d', 'x'.repeat(100_000)];
      const answer = await curl('-X', method, ...body, url());
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS']);
    });

    test('a second one is served while the first one is open', async () => {
      await using first = await gateway().stream(`/${topic.name}`);
      await using second = await gateway().stream(`/${topic.name}`);
      await topic.produce({ value: 'for both' });
      for (const stream of [first, second]) {
        await stream.until('the record', () => stream.events.at(-1)?.data === 'for both');
      }
    });

    test('a client that was cut leaves the others alone', async () => {
      await using stays = await gateway().stream(`/${topic.name}`);
      for (let i = 0; i < 20; i++) {
        await using cut = await gateway().stream(`/${topic.name}`);
        cut.cut();
      }
      await topic.produce({ value: 'after the cuts' });
      await stays.until('the record', () => stays.events.at(-1)?.data === 'after the cuts');
    });

    test('is the only one of its connection, whatever is sent behind it', async () => {
      const socket = await connectRaw(gateway().http);
      socket.on('error', () => {});
      const get = `GET /${topic.name} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      await using other = await gateway().stream(`/${topic.name}?since=latest`);
      const open = (count: number): Promise<unknown> =>
        untilScraped(`${count} streams`, gateway(), (scrape) => {
          return scrape.value('sse_kafka_connections', { topic: topic.name }) === count;
        });
      socket.write(get.repeat(3000));
      await topic.produce({ value: 'beside many requests' });
      await other.untilEvents(1);
      await open(2);
      socket.resetAndDestroy();
      await open(1);
    });

    test.each([
      ['HTTP/1.0 without Host', 'HTTP/1.0\r\n\r\n'],
      ['an empty Host', 'HTTP/1.1\r\nHost:\r\n\r\n'],
      ['a Host with an empty port', 'HTTP/1.1\r\nHost: localhost:\r\n\r\n'],
    ])('%s is served', async (_, rest) => {
      const { http, admin } = gateway();
      const urls = [`${admin}/livez`, `${admin}/readyz`, `${http}/`, url()];
      for (const target of urls) {
        const request = `GET ${new URL(target).pathname} ${rest}`;
        const answer = await exchange(target, Buffer.from(request), false);
        expect([target, answer]).toEqual([target, expect.stringMatching(/^HTTP\/1\.1 200 /)]);
      }
    });

    test('/-/topics describes the topics', async () => {
      const { headers, body } = await curl(`${gateway().http}/-/topics`);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      const plain = { name: topic.name, path: `/${topic.name}` };
      expect(JSON.parse(`${body}`)).toEqual({
        topics: [
          { ...plain, compacted: false, deleteRetentionMs: null, value: 'bytes' },
          {
            name: compacted.name,
            path: `/${compacted.name}`,
            compacted: true,
            deleteRetentionMs: 86_400_000,
            value: 'bytes',
          },
        ],
      });
    });

    test('the admin listener has health and nothing else', async () => {
      const { admin } = gateway();
      expect((await curl(`${admin}/livez`)).status).toBe(200);
      expect((await curl(`${admin}/readyz`)).status).toBe(200);
      expect(await gateway().readiness()).toMatchObject({
        ready: true,
        missing: [],
        brokers: { up: true, error: null },
      });
      for (const path of ['/', '/index.html', `/${topic.name}`, '/-/topics']) {
        expect((await curl(admin + path)).status).toBe(404);
      }
      expect((await curl(`${gateway().http}/livez`)).status).toBe(404);
    });
  });

  describe('CORS', () => {
    let topic!: Topic;
    const open = shared(async () => {
      topic = await kafka.createTopic();
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });
    const listed = shared(() =>
      Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { CORS_ORIGINS: 'https://a.example, http://b.example:8080, null' },
      }),
    );
    const paths = (): string[] => [
      ...[`/${topic.name}`, '/index.html', '/-/topics', '/-/openapi.json', '/-/asyncapi.json'],
    ];

    test('lets every origin in by default', async () => {
      for (const path of paths()) {
        const { headers } = await curl('-I', '-H', 'Origin: https://x.example', open().http + path);
        expect([path, headers.get('access-control-allow-origin')]).toEqual([path, '*']);
        // A browser refuses the two together.
        expect(headers.has('access-control-allow-credentials')).toBe(false);
      }
    });

    test('echoes a listed origin, with Vary, and lets its cookies come along but those of null', async () => {
      for (const path of paths()) {
        for (const origin of ['https://a.example', 'http://b.example:8080', 'null']) {
          const { headers } = await curl('-I', '-H', `Origin: ${origin}`, listed().http + path);
          expect([path, headers.get('access-control-allow-origin')]).toEqual([path, origin]);
          expect([path, headers.get('vary')]).toEqual([path, 'Origin']);
          const expected = origin === 'null' ? undefined : 'true';
          expect(headers.get('access-control-allow-credentials')).toBe(expected);
          const exposed = headers.get('access-control-expose-headers')?.split(', ');
          expect(exposed).toEqual(['Retry-After', 'WWW-Authenticate', 'ETag']);
        }
      }
    });

    test('gives another origin none, with Vary', async () => {
      for (const path of paths()) {
        for (const origin of ['https://x.example', 'https://a.example.x', 'NULL']) {
          const { headers } = await curl('-I', '-H', `Origin: ${origin}`, listed().http + path);
          expect([path, headers.get('access-control-allow-origin')]).toEqual([path, undefined]);
          expect(headers.has('access-control-allow-credentials')).toBe(false);
          expect([path, headers.get('vary')]).toEqual([path, 'Origin']);
        }
      }
    });

    test('a preflight allows what an EventSource and a signed-in page send, for two hours', async () => {
      for (const path of paths()) {
        const { status, headers } = await curl(
          ...['-X', 'OPTIONS', '-H', 'Origin: https://a.example'],
          ...['-H', 'Access-Control-Request-Method: GET'],
          ...['-H', 'Access-Control-Request-Headers: last-event-id,cache-control,authorization'],
          listed().http + path,
        );
        expect([path, status]).toEqual([path, 204]);
        expect(headers.get('access-control-allow-origin')).toBe('https://a.example');
        const names = headers.get('access-control-allow-headers')?.toLowerCase().split(/, ?/);
        expect(names).toEqual(['last-event-id', 'cache-control', 'authorization']);
        expect(headers.get('access-control-max-age')).toBe('7200');
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect(headers.get('access-control-allow-methods')).toContain('GET');
      }
    });
  });

  describe('heartbeats', () => {
    test('come on an idle stream, again and again', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '1' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.until('three heartbeats', () => stream.blocks.length >= 4);
      expect(stream.blocks.map(({ kind }) => kind)).toEqual([
        'retry',
        'heartbeat',
        'heartbeat',
        'heartbeat',
      ]);
    });

    test('do not come on a busy stream', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '2' },
      });
      // A machine that stood still for a while would rightly see one: then this is no busy stream.
      await eventually('records without a long pause between them', async () => {
        await using stream = await gateway.stream(`/${topic.name}?since=latest`);
        let longest = 0;
        for (let i = 0, last = performance.now(); i < 40; i++) {
          await topic.produce({ value: `${i}` });
          await stream.untilEvents(i + 1);
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
          await delay(100);
        }
        if (longest >= 1000) return false;
        expect(stream.blocks.map(({ kind }) => kind)).not.toContain('heartbeat');
        return true;
      });
    });

    test('do not come when they are off', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '0' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      await topic.produce({ value: 'a' });
      await stream.untilEvents(1);
      expect(stream.blocks.map(({ kind }) => kind)).toEqual(['retry', 'event']);
    });
  });
});
