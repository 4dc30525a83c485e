import { describe, expect, jest, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { OldKafka } from '../support/old_kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';

/** The jars are fetched at the first run. */
const CASE_MS = 360_000;
jest.setTimeout(CASE_MS);

function valuesOf({ events }: SseStream): string[] {
  return events.map(({ data }) => data);
}

describe.each(['2.4.1', '3.9.1'])('Kafka %s', (version) => {
  const broker = shared(() => OldKafka.start(version));
  const kafka = shared(async () => new TestKafka(broker().brokers));

  onEachRuntime((runtime) => {
    const start = (...topics: string[]): Promise<Gateway> =>
      Gateway.startReady(runtime, { topics, env: { KAFKA_BROKERS: broker().brokers } });

    test('a compacted topic gives the latest of each key, then live, and goes on from an id', async () => {
      const topic = await kafka().createTopic({ compacted: true, partitions: 2 });
      await topic.produce(
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
        { key: 'b', value: '3', partition: 1 },
      );
      await using gateway = await start(topic.name);
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(2);
      expect(valuesOf(stream).sort()).toEqual(['2', '3']);
      expect(stream.events.at(-1)!.id).toBe(topic.cursor(2, 1));
      await topic.produce({ key: 'b', value: null, partition: 1 }, { key: 'c', value: '4' });
      await stream.untilEvents(4);
      expect(
        stream.events
          .map(({ event }) => event)
          .sort()
          .slice(0, 1),
      ).toEqual(['delete']);
      const missed = await gateway.blocks(`/${topic.name}`, topic.cursor(2, 2), 1);
      expect(missed).toEqual([`data:4\nid:${topic.cursor(3, 2)}\n\n`]);
    });

    test('another topic gives all that is committed, a time its records, and a gap what was deleted', async () => {
      const topic = await kafka().createTopic();
      const hour = Date.now() - 3_600_000;
      await topic.produce({ value: 'old', timestamp: hour }, { value: 'x', timestamp: hour });
      await (await topic.begin({ value: 'aborted' })).abort();
      await (await topic.begin({ value: 'committed' })).commit();
      await using gateway = await start(topic.name);
      await using all = await gateway.stream(`/${topic.name}`);
      await all.untilEvents(3);
      expect(valuesOf(all)).toEqual(['old', 'x', 'committed']);
      await using since = await gateway.stream(`/${topic.name}?since=${hour + 60_000}`);
      await since.untilEvents(1);
      expect(valuesOf(since)).toEqual(['committed']);
      await topic.deleteBefore(1);
      // One that has them in memory still gives them.
      await using another = await start(topic.name);
      const [gap, next] = await another.blocks(`/${topic.name}`, topic.cursor(0), 2);
      expect(gap).toContain('"reason":"retention"');
      expect(next).toContain('data:x\n');
    });
  });
});
