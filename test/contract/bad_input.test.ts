import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { base64url } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const UNKNOWN = [
  '/unknown',
  '/-/unknown',
  '/__consumer_offsets',
  '/..%2fTOPIC',
  '/TOPIC/',
  '/TOPIC/..%2f',
  '/TOPIC%00',
  '/TOPIC%20',
  '/%20TOPIC',
  '/%2fTOPIC',
  '//TOPIC',
  '/TOPIC,TOPIC',
  '/%zz',
  `/${'x'.repeat(10_000)}`,
];

const BAD_SINCES = [
  'yesterday',
  'LATEST',
  '0',
  '-0',
  '-1.5',
  '-1000001',
  '--1',
  '1700000000',
  '1e12',
  'NaN',
  '2026-01-31',
  '2026-02-30T12:00:00Z',
  '2026-13-01T12:00:00Z',
  '2026-01-31T25:00:00Z',
  '2026-01-31T12:00:00',
  '99999999999999999999',
  '%00',
];

const HUGE = 16 * 1024;

onEachRuntime((runtime) => {
  describe('bad input', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: 'first' }, { value: 'second' });
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each(UNKNOWN)('%s is no topic', async (path) => {
      const asked = path.replaceAll('TOPIC', topic.name);
      const { status, headers } = await curl('-I', '--path-as-is', gateway().http + asked);
      expect([400, 404]).toContain(status);
      expect(headers.get('content-type')).not.toMatch('event-stream');
    });

    test.each([
      ['/..', '/'],
      ['/%2e%2e', '/'],
      ['/../TOPIC', '/TOPIC'],
      ['/%2e%2e/TOPIC', '/TOPIC'],
      ['/x/.%2E/TOPIC', '/TOPIC'],
    ])('%s is %s, as for a browser', async (path, same) => {
      const [asked, expected] = await Promise.all(
        [path, same].map((one) =>
          curl('-I', '--path-as-is', gateway().http + one.replace('TOPIC', topic.name)),
        ),
      );
      expect(asked!.status).toBe(200);
      expect(asked!.headers.get('content-type')).toBe(expected!.headers.get('content-type'));
    });

    test.each(BAD_SINCES)('since=%s is 400 with a line that says what it takes', async (since) => {
      for (const cursor of ['', topic.cursor(1)]) {
        const { status, body } = await curl(
          ...['-H', `Last-Event-ID: ${cursor}`],
          `${gateway().http}/${topic.name}?since=${since}`,
        );
        expect(status).toBe(400);
        expect(body.toString()).toMatch(/^since .*latest.*RFC 3339.*-1 to -1000000.*\n$/);
      }
    });

    test('HEAD is refused as GET is, and OPTIONS is asked nothing', async () => {
      const ask = async (method: string, query: string): Promise<number> => {
        const args = method === 'HEAD' ? ['-I'] : ['-X', method];
        return (await curl(...args, `${gateway().http}/${topic.name}${query}`)).status;
      };
      for (const query of ['?since=yesterday', '?format=xml']) {
        expect([query, await ask('HEAD', query), await ask('OPTIONS', query)]).toEqual([
          ...[query, 400, 204],
        ]);
      }
      expect([await ask('HEAD', '/unknown'), await ask('POST', '/unknown')]).toEqual([404, 404]);
      expect(await ask('POST', '?since=yesterday')).toBe(405);
    });

    test('an empty since counts as none', async () => {
      await using stream = await gateway().stream(`/${topic.name}?since=`);
      expect((await stream.untilEvents(2)).map(({ data }) => data)).toEqual(['first', 'second']);
    });

    test('another format is 400 with a line that says what it takes', async () => {
      for (const format of ['xml', 'TEXT', 'text,json', '__proto__', '%00']) {
        const { status, body } = await curl(`${gateway().http}/${topic.name}?format=${format}`);
        expect([format, status]).toEqual([format, 400]);
        expect(body.toString()).toMatch(/^format .*text.*\n$/);
      }
    });

    test.each([
      ['a word', 'yesterday'],
      ['a number', '5'],
      ['bytes that are no base64', '!!!!'],
      ['letters beyond ASCII', 'é'],
      ['base64 of another version', base64url(Uint8Array.of(3, 0, 0, 0, 0, 2, 0, 2))],
      ['a version alone', base64url(Uint8Array.of(2))],
      ['fewer partitions than it says', base64url(Uint8Array.of(2, 0, 0, 0, 0, 4, 0, 2))],
      ['more partitions than it says', base64url(Uint8Array.of(2, 0, 0, 0, 0, 2, 0, 2, 2, 2))],
      ['a negative offset', base64url(Uint8Array.of(2, 0, 0, 0, 0, 2, 0, 1))],
      ['a number that is cut off', base64url(Uint8Array.of(2, 0, 0, 0, 0, 2, 0, 0x82))],
      ['a partition twice', base64url(Uint8Array.of(2, 0, 0, 0, 0, 4, 0, 2, 0, 2))],
      ['a number of 90 bits', base64url(Uint8Array.of(1, 2, 0, ...Array(12).fill(0xff), 1))],
      ['a foreign form with a word in it', '["a2V5","yesterday"]'],
      ['16 kB of letters', 'A'.repeat(HUGE)],
      ['16 kB of a number', base64url(Uint8Array.of(1, ...Array(12_000).fill(0xff), 1))],
    ])('a cursor that is none is told, and all comes: %s', async (_, text) => {
      const query = `?lastEventId=${encodeURIComponent(text)}`;
      for (const [path, headers] of [
        ['', { 'last-event-id': Buffer.from(text).toString('latin1') }],
        [query, {}],
      ] as const) {
        await using stream = await gateway().stream(`/${topic.name}${path}`, { headers });
        await stream.untilEvents(3);
        const [, ...blocks] = stream.blocks.map(({ raw }) => raw);
        const gap = { reason: 'unreadable-cursor', topic: topic.name, partitions: [] };
        expect(blocks).toEqual([
          `event:gap\ndata:${JSON.stringify(gap)}\nid:${topic.cursor(0)}\n\n`,
          `data:first\nid:${topic.cursor(1)}\n\n`,
          `data:second\nid:${topic.cursor(2)}\n\n`,
        ]);
      }
    });

    test('none of it was more than a refusal', async () => {
      expect((await curl(`${gateway().admin}/livez`)).status).toBe(200);
      const labels = { topic: topic.name, reason: 'error' };
      expect((await Scrape.of(gateway())).value('sse_kafka_disconnects_total', labels)).toBe(0);
    });
  });
});
