import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import type { KafkaRecord, RecordSource } from '../../app/source.ts';
import { within } from '../../test/support/deadline.ts';
import { kafka, newName, type Topic } from '../../test/support/kafka.ts';
import { shared } from '../../test/support/shared.ts';
import { createPlatformaticSource } from './platformatic.ts';

/** Reads partition 0 until its position has reached `end`. */
async function readTo(source: RecordSource, topic: Topic, end: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  const abort = new AbortController();
  const reading = (async () => {
    const identity = { name: topic.name, id: new Uint8Array(Buffer.from(topic.id, 'hex')) };
    for await (const batch of source.read(identity, new Map([[0, 0]]), abort.signal)) {
      records.push(...batch.records);
      if ((batch.positions.get(0) ?? 0) >= end) return;
    }
  })();
  await within(`${topic.name} to be read up to ${end}`, reading);
  return records;
}

describe('RecordSource', () => {
  const { signal } = new AbortController();
  const source = shared(async () => {
    const brokers = [process.env['TEST_KAFKA']!];
    const source = createPlatformaticSource({ brokers, tls: null, sasl: null });
    return Object.assign(source, { [Symbol.asyncDispose]: () => source.close() });
  });

  test('describe() tells id, partitions and policy; null where there is no such topic', async () => {
    const topic = await kafka.createTopic({ partitions: 3, compacted: true });
    const description = await source().describe(topic.name, signal);
    expect(description).toMatchObject({
      name: topic.name,
      partitions: 3,
      compacted: true,
      deletes: false,
      deleteRetentionMs: 86_400_000,
    });
    expect(Buffer.from(description!.id).toString('hex')).toBe(topic.id);
    expect(await source().describe(newName(), signal)).toBeNull();
  });

  test('offsets() tells starts, ends and where a time is', async () => {
    const topic = await kafka.createTopic({ partitions: 2 });
    const at = (timestamp: number) => ({ value: 'x', timestamp });
    await topic.produce(at(1000), at(2000), at(3000), { value: 'y', partition: 1 });
    await topic.deleteBefore(1);
    const ask = async (spec: Parameters<RecordSource['offsets']>[2]) =>
      [...(await source().offsets(topic.name, [0, 1], spec, signal))].sort();
    expect(await ask('earliest')).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(await ask('latest')).toEqual([
      [0, 3],
      [1, 1],
    ]);
    expect(await ask(2001)).toEqual([
      [0, 2],
      [1, 0],
    ]);
    expect(await ask(Date.now() + 100_000)).toEqual([
      [0, 3],
      [1, 1],
    ]);
  });

  test('read() gives records as Kafka has them, in order, and their positions', async () => {
    const topic = await kafka.createTopic();
    await topic.produce(
      {
        key: 'k',
        value: 'v',
        timestamp: 1_700_000_000_000,
        headers: [
          ['a', '1'],
          ['a', null],
        ],
      },
      { key: null, value: null },
      { key: '', value: '' },
    );
    const records = await readTo(source(), topic, 3);
    const text = (bytes: Uint8Array | null) => (bytes === null ? null : `${Buffer.from(bytes)}`);
    expect(
      records.map(({ key, value, headers, ...rest }) => ({
        ...rest,
        key: text(key),
        value: text(value),
        headers: headers.map(([name, header]) => [name, text(header)]),
      })),
    ).toEqual([
      {
        partition: 0,
        offset: 0,
        timestamp: 1_700_000_000_000,
        key: 'k',
        value: 'v',
        headers: [
          ['a', '1'],
          ['a', null],
        ],
      },
      {
        partition: 0,
        offset: 1,
        timestamp: expect.any(Number),
        key: null,
        value: null,
        headers: [],
      },
      { partition: 0, offset: 2, timestamp: expect.any(Number), key: '', value: '', headers: [] },
    ]);
  });

  test('read() shows what is committed and nothing else, and goes past markers', async () => {
    const topic = await kafka.createTopic();
    await topic.produce({ value: 'plain 0' });
    await (await topic.begin({ value: 'aborted 1' }, { value: 'aborted 2' })).abort();
    await (await topic.begin({ value: 'committed 4' })).commit();
    await (await topic.begin({ value: 'aborted 6' })).abort();
    const records = await readTo(source(), topic, 8);
    expect(records.map(({ value }) => `${Buffer.from(value!)}`)).toEqual([
      'plain 0',
      'committed 4',
    ]);
  });
});
