import { describe, expect, test } from '@jest/globals';
import type { NewRecord, Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { Gateway, kafka } from './face.ts';

/** An hour ago, to the second. */
const TIME = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
const MINUTE = 60_000;

/** Minutes after `TIME` by offset, not in order; the keys of the compacted topic. */
const MINUTES = [0, 1, 5, 2, 6, 3];
const KEYS = ['a', 'b', 'a', 'c', 'd', 'c'];

const RECORDS = MINUTES.map(
  (minute, n): NewRecord => ({ key: KEYS[n]!, value: `${n}`, timestamp: TIME + minute * MINUTE }),
);

onEachRuntime((runtime) => {
  describe.each([
    { kind: 'a plain topic', compacted: false },
    { kind: 'a compacted topic', compacted: true },
  ])('since on $kind', ({ compacted }) => {
    /** Of each test its own, because each one writes to it. */
    const topics: Topic[] = [];
    const gateway = shared(async () => {
      for (let n = 0; n < 18; n++) {
        const topic = await kafka.createTopic({ compacted, configs: { 'retention.ms': '-1' } });
        await topic.produce(...RECORDS);
        topics.push(topic);
      }
      return Gateway.startReady(runtime, { topics: topics.map(({ name }) => name) });
    });

    /** What is left of the records from an offset on. */
    function valuesFrom(offset: number): string[] {
      return RECORDS.filter(
        (_, n) => n >= offset && (!compacted || KEYS.lastIndexOf(KEYS[n]!) === n),
      ).map(({ value }) => `${value}`);
    }

    /** Reads all there is, and a live record; checks that the first block is an id alone. */
    async function expectFrom(offset: number, query: string): Promise<void> {
      const topic = topics.pop()!;
      await using stream = await gateway().stream(`/${topic.name}?${query}`);
      await stream.until('the first id', () => stream.blocks.length > 1);
      expect(stream.blocks[1]!.raw).toBe(`id:${topic.cursor(offset)}\n\n`);
      const values = [...valuesFrom(offset), 'live'];
      await topic.produce({ key: 'live', value: 'live' });
      const events = await stream.untilEvents(values.length);
      expect(events.map(({ data }) => data)).toEqual(values);
      expect(events.at(-1)!.id).toBe(topic.cursor(RECORDS.length + 1));
    }

    const rfc3339 = (minute: number, zone = 'Z'): string => {
      const shift = zone === '+02:30' ? 150 : 0;
      const time = new Date(TIME + (minute + shift) * MINUTE).toISOString();
      return time.replace('.000Z', zone);
    };
    test.each([
      ['latest', () => 'latest', RECORDS.length],
      ['a time before all', () => `${TIME - 1}`, 0],
      ['the time of the first', () => `${TIME}`, 0],
      ['a time between two', () => `${TIME + 1}`, 1],
      ['a time that an earlier record is later than', () => `${TIME + 2 * MINUTE}`, 2],
      ['the latest time', () => `${TIME + 6 * MINUTE}`, 4],
      ['a time after all', () => `${TIME + 6 * MINUTE + 1}`, RECORDS.length],
      ['a time to come', () => `${Date.now() + 3_600_000}`, RECORDS.length],
      ['the beginning of time', () => '1970-01-01T00:00:00Z', 0],
      ['RFC 3339', () => rfc3339(1), 1],
      ['RFC 3339 with a zone, not escaped', () => rfc3339(1, '+02:30'), 1],
      ['RFC 3339 in small letters', () => rfc3339(1).toLowerCase(), 1],
      ['RFC 3339 with milliseconds', () => rfc3339(1).replace('Z', '.001Z'), 2],
      ['the last offset', () => '-1', RECORDS.length - 1],
      ['some offsets before the end', () => '-4', 2],
      ['more offsets than there are', () => '-1000000', 0],
    ])('takes %s', async (_, since, offset) => {
      await expectFrom(offset, `since=${since()}`);
    });

    test('loses nothing when it is cut after the first id', async () => {
      const topic = topics.pop()!;
      for (const [since, offset] of [
        ['latest', RECORDS.length],
        [`${TIME + 1}`, 1],
        ['-5', 2],
      ] as const) {
        await using stream = await gateway().stream(`/${topic.name}?since=${since}`);
        await stream.until('the first id', () => stream.blocks.length > 1);
        const { id } = stream.blocks[1]!;
        stream.cut();
        if (since === 'latest') await topic.produce({ key: 'while away', value: 'while away' });
        await using again = await gateway().stream(`/${topic.name}?since=latest`, {
          headers: { 'last-event-id': id },
        });
        const values = [...valuesFrom(offset), 'while away'];
        const events = await again.untilEvents(values.length);
        expect(events.map(({ data }) => data)).toEqual(values);
        // A cursor wins, and needs no block before its first record.
        expect(again.blocks.map(({ kind }) => kind).slice(0, 2)).toEqual(['retry', 'event']);
      }
    });

    test('begins in each partition where the time is', async () => {
      const topic = await kafka.createTopic({
        compacted,
        partitions: 3,
        configs: { 'retention.ms': '-1' },
      });
      await topic.produce(...RECORDS, { ...RECORDS[0], partition: 1 });
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await own.stream(`/${topic.name}?since=${TIME + 4 * MINUTE}`);
      await topic.produce(...[1, 2].map((partition) => ({ key: 'l', value: 'live', partition })));
      const values = [...valuesFrom(2), 'live', 'live'];
      const events = await stream.untilEvents(values.length);
      expect(stream.blocks[1]!.raw).toBe(`id:${topic.cursor(2, 1, 0)}\n\n`);
      expect(events.map(({ data }) => data).sort()).toEqual(values.sort());
      expect(events.at(-1)!.id).toBe(topic.cursor(6, 2, 1));
    });

    test('counts offsets back from the end of each partition, to its log start at most', async () => {
      const topic = await kafka.createTopic({ compacted, partitions: 3 });
      await topic.produce(...RECORDS, { ...RECORDS[0], partition: 1 });
      if (!compacted) await topic.deleteBefore(4);
      const open = await topic.begin({ key: 'o', value: 'open', partition: 1 });
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await own.stream(`/${topic.name}?since=-3`);
      await stream.until('the first id', () => stream.blocks.length > 1);
      expect(stream.blocks[1]!.raw).toBe(`id:${topic.cursor(compacted ? 3 : 4, 0, 0)}\n\n`);
      await open.commit();
      const values = [...valuesFrom(compacted ? 3 : 4), '0', 'open'];
      const events = await stream.untilEvents(values.length);
      expect(events.map(({ data }) => data).sort()).toEqual(values.sort());
      // Its marker has an offset, too.
      await using again = await own.stream(`/${topic.name}?since=-2`);
      await again.until('the first id', () => again.blocks.length > 1);
      expect(again.blocks[1]!.raw).toBe(`id:${topic.cursor(4, 1, 0)}\n\n`);
    });
  });
});
