import { describe, expect, test } from '@jest/globals';
import { CLEANED_AT_ONCE, untilCleaned } from '../../test/support/cleaner.ts';
import { kafka, kcat } from '../../test/support/kafka.ts';
import { shared } from '../../test/support/shared.ts';
import { onEachSource, SourceProcess } from '../../test/support/source_process.ts';

/** Compresses well, but not to nothing, and takes several blocks of any codec. */
function text(bytes: number): string {
  let all = '';
  for (let n = 0; all.length < bytes; n++) all += `${n * 7919} `;
  return all.slice(0, bytes);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

onEachSource((runtime) => {
  const source = shared(() => SourceProcess.start(runtime, kafka.brokers));

  describe('RecordSource.read() gives', () => {
    test('records as Kafka has them: null is not empty, headers repeat, bytes stay', async () => {
      // Some of the records are old.
      const topic = await kafka.createTopic({ configs: { 'retention.ms': '-1' } });
      const binary = Uint8Array.of(0, 0xff, 0xc3, 0x28, 10, 13);
      await topic.produce({ key: 'k', value: 'v', timestamp: 1_700_000_000_123 });
      await topic.produce(
        { key: null, value: null, timestamp: 0 },
        { key: '', value: '', timestamp: 1 },
      );
      await topic.produce({ key: binary, value: binary, timestamp: 2 });
      const headers: [string, string | Uint8Array | null][] = [
        ['a', '1'],
        ['é', binary],
        ['a', null],
        ['', ''],
        ['__proto__', 'x'],
      ];
      await topic.produce({ key: 'h', value: 'h', timestamp: 3, headers });
      await using read = await source().read(topic);
      await read.untilAt({ 0: 5 });
      const raw = '\0\xff\xc3(\n\r';
      const rest = { partition: 0, headers: [] };
      expect(read.records).toEqual([
        { ...rest, offset: 0, timestamp: 1_700_000_000_123, key: 'k', value: 'v' },
        { ...rest, offset: 1, timestamp: 0, key: null, value: null },
        { ...rest, offset: 2, timestamp: 1, key: '', value: '' },
        { ...rest, offset: 3, timestamp: 2, key: raw, value: raw },
        {
          ...rest,
          offset: 4,
          timestamp: 3,
          key: 'h',
          value: 'h',
          headers: [
            ['a', '1'],
            ['é', raw],
            // The Confluent client cannot tell null from empty here.
            ['a', runtime.name === 'Node' ? '' : null],
            ['', ''],
            ['__proto__', 'x'],
          ],
        },
      ]);
    });

    test('the time at which the broker took a record, where the topic says so', async () => {
      const configs = { 'message.timestamp.type': 'LogAppendTime' };
      const topic = await kafka.createTopic({ configs });
      const before = Date.now();
      await topic.produce({ value: 'a', timestamp: 1 }, { value: 'b', timestamp: 2 });
      await using read = await source().read(topic);
      await read.untilAt({ 0: 2 });
      for (const { timestamp } of read.records) {
        expect(timestamp).toBeGreaterThanOrEqual(before);
        expect(timestamp).toBeLessThanOrEqual(Date.now());
      }
    });

    test('records that come later, one by one', async () => {
      const topic = await kafka.createTopic();
      await using read = await source().read(topic);
      for (const n of numbers(5)) {
        await topic.produce({ value: `${n}` });
        await read.untilAt({ 0: n + 1 });
        expect(read.values.at(-1)).toBe(`${n}`);
      }
    });

    test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
      'what was compressed: %s, by a client and by the broker',
      async (codec) => {
        const long = text(300_000);
        const topic = await kafka.createTopic();
        const args = ['-P', '-t', topic.name, '-p', '0', '-z', codec, '-K', '|'];
        await kcat(args, `a|${long}\nb|short\nc|${long}\n`);
        const again = await kafka.createTopic({
          configs: { 'compression.type': codec === 'none' ? 'uncompressed' : codec },
        });
        await again.produce(
          ...['a', 'b', 'c'].map((key) => ({ key, value: key === 'b' ? 'short' : long })),
        );
        for (const one of [topic, again]) {
          await using read = await source().read(one);
          await read.untilAt({ 0: 3 });
          expect(read.values).toEqual([long, 'short', long]);
          expect(read.records.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
        }
      },
    );

    test('batches of many records from the middle on', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...numbers(3000).map((n) => ({ value: `${n}` })));
      await topic.produce(...numbers(3000).map((n) => ({ value: `${3000 + n}` })));
      await using read = await source().read(topic, { 0: 1234 });
      await read.untilAt({ 0: 6000 });
      expect(read.values).toEqual(numbers(6000 - 1234).map((n) => `${1234 + n}`));
    });

    test('records larger than what is fetched at once, between small ones', async () => {
      const topic = await kafka.createTopic({ configs: { 'max.message.bytes': '16777216' } });
      const large = text(5_000_000);
      for (const value of ['a', large, 'b', large, 'c']) await topic.produce({ value });
      await using read = await source().read(topic);
      await read.untilAt({ 0: 5 });
      expect(read.values.map((value) => value!.length)).toEqual([1, 5_000_000, 1, 5_000_000, 1]);
      expect(read.values[3]).toBe(large);
    });

    test('all of 100 partitions, in order within each', async () => {
      const partitions = numbers(100);
      const topic = await kafka.createTopic({ partitions: 100 });
      const write = (round: number) =>
        kcat(
          ['-P', '-t', topic.name, '-K', ':'],
          partitions.flatMap((p) => numbers(20).map((n) => `${p}-${n}:${round}`)).join('\n'),
        );
      await write(1);
      const ends = await source().offsets(topic, partitions, 'latest');
      const from = Object.fromEntries(partitions.map((partition) => [partition, 0]));
      await using read = await source().read(topic, from);
      await read.untilAt(ends);
      await write(2);
      await read.untilAt(await source().offsets(topic, partitions, 'latest'));
      expect(read.records).toHaveLength(4000);
      const next = new Map<number, number>();
      for (const { partition, offset } of read.records) {
        expect(offset).toBe(next.get(partition) ?? 0);
        next.set(partition, offset + 1);
      }
      expect(new Map([...read.positions].filter(([, at]) => at > 0))).toEqual(next);
    });
  });

  describe('RecordSource.read() moves its positions', () => {
    test('past what was compacted away, and begins in such a hole', async () => {
      const topic = await kafka.createTopic({ configs: CLEANED_AT_ONCE });
      let next = 0;
      const put = async (key: string): Promise<void> => {
        await topic.produce({ key, value: `${next++}` });
      };
      for (const key of ['a', 'b', 'b', 'b', 'a', 'c']) await put(key);
      await untilCleaned(topic, [0, 1, 2], () => put('roll'));
      const end = next;
      for (const from of [0, 2]) {
        await using read = await source().read(topic, { 0: from });
        await read.untilAt({ 0: end });
        expect(read.values.slice(0, 3)).toEqual(['3', '4', '5']);
        for (const { value, offset } of read.records) expect(value).toBe(`${offset}`);
        expect(read.positions.get(0)).toBe(end);
      }
    });

    test('never back, and never past a record that is still to come', async () => {
      const topic = await kafka.createTopic();
      await topic.produce(...numbers(5000).map((n) => ({ value: `${n}` })));
      await using read = await source().read(topic);
      await read.untilAt({ 0: 5000 });
      const moves = read.moves.map((batch) => new Map(batch).get(0)!);
      expect(moves).toEqual(moves.toSorted((a, b) => a - b));
      expect(read.values).toEqual(numbers(5000).map(String));
    });
  });
});
