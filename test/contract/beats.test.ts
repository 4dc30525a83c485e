import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

/** Longer than any of these tests. */
const LONG = 'every=60000';

/** What came: values, and names of other events. */
function got({ events }: SseStream): string[] {
  return events.map(({ event, data }) => {
    return event === 'message' || event === 'delete' ? (JSON.parse(data).value ?? event) : event;
  });
}

onEachRuntime((runtime) => {
  describe('beats', () => {
    test('bring the first after a quiet time at once, and what follows together at the next: of a key the latest', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}?format=json`;
      await using all = await gateway.stream(path);
      await using paced = await gateway.stream(`${path}&every=1500`);
      await using filtered = await gateway.stream(`${path}&every=1500&key=a`);
      for (const stream of [all, paced, filtered]) {
        await stream.until('live', () => got(stream).includes('live'));
      }
      await topic.produce({ key: 'a', value: '3' });
      await paced.until('the first', () => got(paced).includes('3'));
      await filtered.until('the first', () => got(filtered).includes('3'));
      for (const value of ['4', '5', '6']) {
        await topic.produce({ key: 'a', value });
        await all.until('it', () => got(all).includes(value));
      }
      await topic.produce({ key: 'c', value: null });
      await paced.until('the next beat', () => got(paced).includes('delete'));
      expect(got(paced)).toEqual(['1', '2', 'live', '3', '6', 'delete']);
      await filtered.until('the next beat', () => got(filtered).length > 3);
      expect(got(filtered)).toEqual(['1', 'live', '3', '6']);
    });

    test('owe every record of a topic that is not compacted, to whoever comes back too', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: '1' });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '1' },
      });
      const path = `/${topic.name}?format=json`;
      await using all = await gateway.stream(path);
      await using paced = await gateway.stream(`${path}&${LONG}`);
      await paced.until('live', () => got(paced).includes('live'));
      await topic.produce({ value: '2' });
      await paced.until('the first', () => got(paced).includes('2'));
      await topic.produce({ value: '3' });
      await topic.produce({ value: '4' });
      await all.until('all', () => got(all).includes('4'));
      const beats = (): number => paced.blocks.filter(({ kind }) => kind === 'heartbeat').length;
      const before = beats();
      await paced.until('it to be idle', () => beats() > before);
      expect(got(paced)).toEqual(['1', 'live', '2']);
      expect(paced.events.at(-1)!.id).toBe(topic.cursor(2));
      // The end comes at once.
      await gateway.stop();
      await within('the stream to end', paced.over);
      await gateway.start();
      await using back = await gateway.stream(`${path}&${LONG}`, {
        headers: { 'last-event-id': topic.cursor(2) },
      });
      await back.until('live', () => got(back).includes('live'));
      expect(got(back)).toEqual(['3', '4', 'live']);
    });

    test('do not hold back a gap', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using paced = await gateway.stream(`/${topic.name}?format=json&${LONG}`);
      await paced.until('live', () => got(paced).includes('live'));
      await topic.produce({ value: '1' });
      await paced.until('the first', () => got(paced).includes('1'));
      await topic.produce({ value: '2' });
      await kafka.deleteTopic(topic.name);
      await kafka.createTopic({ name: topic.name });
      await paced.until('the gap', () => got(paced).includes('gap'));
      expect(got(paced).at(-1)).not.toBe('1');
    });

    test('are the longer ones of the stream and its client, part of the view, and nothing to what ends', async () => {
      const topic = await kafka.createTopic();
      const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'beats-'));
      const STREAMS_FILE = join(folder, 'streams.yaml');
      writeFileSync(
        STREAMS_FILE,
        `topics: { ${topic.name}: }\nstreams: { /slow: { topic: ${topic.name}, every: 60000 } }\n`,
      );
      await using gateway = await Gateway.startReady(runtime, {
        env: { STREAMS_FILE },
        topics: [],
      });
      const open = (query: string) => gateway.stream(`${query}format=json`);
      await using slow = await open('/slow?every=100&');
      await using alike = await open(`/${topic.name}?${LONG}&`);
      await using quick = await open(`/${topic.name}?every=100&`);
      await using filtered = await open(`/slow?key=a&`);
      await using plain = await open(`/${topic.name}?every=&`);
      const streams = [slow, alike, quick, filtered, plain];
      for (const one of streams) await one.until('live', () => got(one).includes('live'));
      const scrape = await Scrape.of(gateway);
      expect(scrape.value('sse_kafka_views', { topic: topic.name })).toBe(3);
      for (const value of ['1', '2', '3']) {
        await topic.produce({ value, key: 'a' });
        await quick.until('it', () => got(quick).includes(value));
      }
      expect([slow, alike, filtered].map(got)).toEqual(Array(3).fill(['live', '1']));
      const done = await curl(`${gateway.http}/slow?until=live&format=json`);
      expect(String(done.body)).toMatch(/"value":"3".*event:live/s);
      for (const every of ['99', '60001', '1.5', 'x', '-100']) {
        const { status, body } = await curl(`${gateway.http}/slow?every=${every}`);
        expect([status, String(body)]).toEqual([400, expect.stringContaining('100 to 60000')]);
      }
    });
  });
});
