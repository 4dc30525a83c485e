import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { SseStream, type StreamOptions } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { Gateway, kafka } from './face.ts';

const GZIP = { 'accept-encoding': 'gzip' };
const order = (n: number): string =>
  JSON.stringify({ order: `o-${n}`, customer: `c-${n % 7}`, status: 'paid', currency: 'EUR', n });
/** What it got: all records, in any order, and the newest blocks as they came. */
const contentOf = ({ events }: SseStream): object => ({
  records: events.flatMap(({ event, data }) => (event === 'live' ? [] : data)).sort(),
  newest: events.slice(-43).map(({ raw }) => raw),
});

onEachRuntime((runtime) => {
  describe('COMPRESSION=gzip', () => {
    test('gives compressed clients what the others get, each block at once, in fewer bytes', async () => {
      const topic = await kafka.createTopic({ partitions: 3 });
      await topic.produce(...Array.from({ length: 50 }, (_, n) => ({ value: order(n) })));
      const env = { COMPRESSION: 'gzip', HEARTBEAT_SECONDS: '1' };
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      await using h2 = new H2Session(gateway.https);
      await using streams = new StreamGroup();
      const open = async (query: string, how: StreamOptions = {}): Promise<SseStream> => {
        const address = how.h2 === undefined ? gateway.http : gateway.https;
        const headers = { ...GZIP, ...how.headers };
        return streams.add(
          await SseStream.open(`${address}/${topic.name}${query}`, { ...how, headers }),
        );
      };
      const plain = { headers: { 'accept-encoding': 'identity' } };
      const views = await Promise.all(
        ['', '?format=json', '?where=partition%3E%3D0'].map(async (query) => [
          await open(query, plain),
          await open(query),
          await open(query),
          await open(query, { h2: h2.session }),
        ]),
      );
      const all = views.flat();
      for (const [first, ...others] of views) {
        expect(first!.headers).not.toHaveProperty('content-encoding');
        for (const { headers } of others)
          expect(headers).toHaveProperty('content-encoding', 'gzip');
      }
      for (const { headers } of all) expect(headers).toHaveProperty('vary', 'accept-encoding');
      // One by one: none of them waits for the next to be read.
      for (let n = 50; n < 90; n++) {
        await topic.produce({ value: order(n), partition: n % 3 });
        for (const stream of all) {
          await stream.until(
            `order ${n}`,
            () =>
              stream.events.at(-1)?.data.includes(`"o-${n}"`) === true ||
              stream.events.at(-1)?.data.includes(`o-${n}\\"`) === true,
          );
        }
      }
      for (const stream of all) {
        await stream.until('a heartbeat', () => stream.blocks.at(-1)!.kind === 'heartbeat');
      }
      await topic.produce(
        { value: 'x'.repeat(200_000) },
        { value: 'a\r\n b', partition: 1 },
        { key: 'k', value: null },
      );
      // One of them has `live` on top.
      for (const stream of all) {
        const isJson = stream.events[0]!.data.startsWith('{"partition"');
        await stream.untilEvents(50 + 43 + (isJson ? 1 : 0));
      }
      for (const [first, ...others] of views) {
        for (const other of others) expect(contentOf(other)).toEqual(contentOf(first!));
      }
    });

    test('sends a quarter of the bytes to those who are live, and counts both', async () => {
      const topic = await kafka.createTopic();
      const env = { COMPRESSION: 'gzip' };
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      await using streams = new StreamGroup();
      const opened = await Promise.all(
        Array.from({ length: 5 }, () => gateway.stream(`/${topic.name}`, { headers: GZIP })),
      );
      for (const stream of opened) streams.add(stream);
      for (let n = 0; n < 60; n++) {
        await topic.produce({ value: order(n) });
        for (const stream of opened) await stream.untilEvents(n + 1);
      }
      const scrape = await Scrape.of(gateway);
      const labels = { topic: topic.name };
      const sent = scrape.value('sse_kafka_bytes_sent_total', labels);
      const plain = scrape.value('sse_kafka_uncompressed_bytes_sent_total', labels);
      expect(plain).toBe(opened.reduce((sum, { bytes }) => sum + bytes.length, 0));
      expect(plain / sent).toBeGreaterThan(4);
    });

    test('ends in a whole member: until live, as a document, and in a drain', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...Array.from({ length: 500 }, (_, n) => ({ value: order(n) })));
      const env = { COMPRESSION: 'gzip' };
      const gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      await using open = await gateway.stream(`/${topic.name}`, { headers: GZIP });
      await open.untilEvents(500);
      const url = `${gateway.http}/${topic.name}?until=live`;
      const ended = await curl('-H', 'accept-encoding: gzip', url);
      expect(gunzipSync(ended.body).toString()).toMatch(
        /\n\nevent:live\ndata:\{\}\nid:[^\n]+\n\n$/,
      );
      const accept = ['-H', 'accept: application/json'];
      const document = await curl(...accept, '-H', 'accept-encoding: gzip', url);
      expect(document.headers.get('vary')).toBe('accept, last-event-id, accept-encoding');
      expect(JSON.parse(gunzipSync(document.body).toString()).records).toHaveLength(500);
      expect(document.body.length * 5).toBeLessThan(gunzipSync(document.body).length);
      const etag = document.headers.get('etag')!;
      const known = await curl(...accept, '-H', `if-none-match: ${etag}`, url);
      expect(known.status).toBe(304);
      await gateway.stop();
      await within('the stream to end', open.over);
      expect([open.isWhole, open.isAtBlockEnd, open.events.length]).toEqual([true, true, 500]);
    });

    test('asks Accept-Encoding for gzip by its name, and leaves out what the streams file says', async () => {
      const topic = await kafka.createTopic();
      const file = join(
        mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'gzip-')),
        's.yaml',
      );
      writeFileSync(file, `streams:\n  /secret: { topic: ${topic.name}, compression: false }\n`);
      const env = { COMPRESSION: 'gzip', STREAMS_FILE: file };
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      const encodingOf = async (accepted: string, path = topic.name): Promise<string> => {
        const header = `accept-encoding: ${accepted}`;
        const { headers } = await curl('-I', '-H', header, `${gateway.http}/${path}`);
        return `${headers.get('content-encoding')} ${headers.get('vary')}`;
      };
      for (const accepted of ['gzip', 'br, GZIP;q=0.1', 'gzip; q=1', 'deflate, gzip']) {
        expect(await encodingOf(accepted)).toBe('gzip accept-encoding');
      }
      for (const accepted of ['', 'br', '*', 'gzip;q=0', 'gzip;q=0.000, br', 'gzipped']) {
        expect(await encodingOf(accepted)).toBe('undefined accept-encoding');
      }
      expect(await encodingOf('gzip', 'secret')).toBe('undefined undefined');
    });

    test('loses nothing of a client that is cut, anywhere in a block', async () => {
      const topic = await kafka.createTopic();
      const env = { COMPRESSION: 'gzip' };
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      const seen: string[] = [];
      let id = topic.cursor(0);
      for (let n = 0; n < 40; n++) await topic.produce({ value: `${n} ${order(n)}`.repeat(40) });
      while (seen.length < 40) {
        const headers = { ...GZIP, 'last-event-id': id };
        await using stream = await gateway.stream(`/${topic.name}`, { headers });
        const count = Math.min(40 - seen.length, 1 + (seen.length % 4));
        for (const { data, id: next } of (await stream.untilEvents(count)).slice(0, count)) {
          seen.push(data.slice(0, data.indexOf(' ')));
          id = next;
        }
      }
      expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`));
    });
  });
});
