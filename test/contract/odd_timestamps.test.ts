import { describe, expect, test } from '@jest/globals';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { Gateway, kafka } from './face.ts';

/** The last time that a Date can tell. */
const LAST_DATE = 8_640_000_000_000_000;
const NOW = Date.now();
const HOUR = 3_600_000;
/** As of producers whose clocks are wrong, and jump. */
const TIMES = [NOW - HOUR, 0, LAST_DATE, NOW, 1, NOW + 24 * HOUR, NOW - 2 * HOUR];

onEachRuntime((runtime) => {
  describe('timestamps that jump back and forth', () => {
    test('are told as they are, and found by since; times of delivery stay sane', async () => {
      const topic = await kafka.createTopic({
        configs: {
          'retention.ms': '-1',
          'message.timestamp.after.max.ms': `${Number.MAX_SAFE_INTEGER}`,
        },
      });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using live = await gateway.stream(`/${topic.name}?format=json&since=latest`);
      await live.until('its start', () => live.blocks.some(({ kind }) => kind === 'id'));
      for (const [n, timestamp] of TIMES.entries())
        await topic.produce({ value: `${n}`, timestamp });
      const count = TIMES.length;
      const isRecord = ({ event }: { event: string }): boolean => event === 'message';
      await live.until('all records', () => live.events.filter(isRecord).length === count);
      const told = live.events.filter(isRecord).map(({ data }) => JSON.parse(data).timestamp);
      expect(told).toEqual(TIMES);

      // From the first record with that time or a later one on, all that follow.
      for (const [since, first] of [
        [NOW - HOUR, 0],
        [NOW - HOUR + 1, 2],
        [NOW + HOUR, 2],
        [LAST_DATE, 2],
      ] as const) {
        await using stream = await gateway.stream(`/${topic.name}?since=${since}`);
        await stream.untilEvents(count - first);
        const expected = Array.from({ length: count - first }, (_, n) => `${first + n}`);
        expect(stream.events.map(({ data }) => data)).toEqual(expected);
      }

      const scrape = await Scrape.of(gateway);
      const { count: delivered, sum } = scrape.one('sse_kafka_delivery_seconds', {
        topic: topic.name,
      });
      expect(delivered).toBe(count);
      // That of the two from 1970, and none below zero for those from the future.
      const most = (2 * Date.now() + 4 * HOUR) / 1000;
      expect(sum).toBeGreaterThan((2 * NOW) / 1000);
      expect(sum).toBeLessThan(most);
    });
  });
});
