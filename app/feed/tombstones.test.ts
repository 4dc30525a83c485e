import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ReaderSlots } from '../history/reader_slots.ts';
import { KeyIndex } from '../log/key_index.ts';
import { Log } from '../log/log.ts';
import type {
  Batch,
  KafkaRecord,
  Offsets,
  RecordSource,
  TopicDescription,
} from '../ports/source.ts';
import { Tombstones } from './tombstones.ts';

const RETENTION_MS = 60_000;
const TOPIC: TopicDescription = {
  name: 'events',
  id: new Uint8Array(4),
  partitions: 1,
  compacted: true,
  deletes: false,
  deleteRetentionMs: RETENTION_MS,
};
const FAR_FUTURE = 4_000_000_000_000;
const encoder = new TextEncoder();

/** What Kafka holds of one partition, and a log that has read it. */
class Topic implements Pick<RecordSource, 'read'> {
  readonly keys = new KeyIndex();
  readonly tombstones = new Tombstones(this.keys, Float64Array.of(0));
  readonly log: Log;
  readonly slots = new ReaderSlots(2);
  /** Where each read began. */
  readonly reads: number[] = [];
  #records: KafkaRecord[] = [];
  #end = 0;

  constructor() {
    const start = Float64Array.of(0);
    const { name: topic, id: topicId } = TOPIC;
    this.log = new Log({ topic, topicId, start, maxBytes: 2 ** 20, keys: this.keys, clock: null });
  }

  write(key: string, isDelete: boolean, timestamp = 0): void {
    const value = isDelete ? null : encoder.encode('value');
    const offset = this.#end++;
    const record = {
      partition: 0,
      offset,
      timestamp,
      key: encoder.encode(key),
      value,
      headers: [],
    };
    this.#records.push(record);
    this.log.append({ records: [record], positions: new Map([[0, this.#end]]) }, new Map());
  }

  /** As Kafka's cleaner does with deletes that it may drop. */
  drop(...offsets: number[]): void {
    this.#records = this.#records.filter(({ offset }) => !offsets.includes(offset));
  }

  async *read(_: unknown, from: Offsets): AsyncGenerator<Batch> {
    const begin = from.get(0)!;
    this.reads.push(begin);
    const records = this.#records.filter(({ offset }) => offset >= begin);
    yield { records, positions: new Map([[0, this.#end]]) };
  }

  /** Looks now, as the feed does every few seconds. */
  async sweep(): Promise<void> {
    const { signal } = new AbortController();
    const source = this as unknown as RecordSource;
    const swept = this.tombstones.sweep(source, TOPIC, this.log, this.slots, signal);
    await jest.advanceTimersByTimeAsync(1000);
    await swept;
  }

  /** Which of these keys the index knows. */
  knows(...keys: string[]): string[] {
    return keys.filter((key) => this.keys.get(0, encoder.encode(key)) !== null);
  }
}

let topic: Topic;
beforeEach(() => {
  jest.useFakeTimers({ now: 1_700_000_000_000 });
  topic = new Topic();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('Tombstones', () => {
  test('Tombstones.sweep() forgets the deletes that Kafka has dropped, those of the future among them', async () => {
    topic.write('a', true, FAR_FUTURE);
    topic.write('b', true);
    topic.write('c', false, FAR_FUTURE);
    await topic.sweep();
    expect([topic.knows('a', 'b', 'c'), topic.reads]).toEqual([['a', 'b', 'c'], []]);
    topic.drop(0);
    jest.advanceTimersByTime(RETENTION_MS);
    await topic.sweep();
    expect(topic.knows('a', 'b', 'c')).toEqual(['b', 'c']);
    expect(topic.log.records).toBe(2);
  });

  test('Tombstones.sweep() looks again for those that Kafka still has, from the first of them on', async () => {
    for (const key of ['a', 'b', 'c']) topic.write(key, true);
    await topic.sweep();
    jest.advanceTimersByTime(RETENTION_MS);
    topic.drop(0);
    await topic.sweep();
    expect(topic.knows('a', 'b', 'c')).toEqual(['b', 'c']);
    topic.drop(1, 2);
    await topic.sweep();
    expect(topic.reads).toEqual([0]);
    jest.advanceTimersByTime(30_000);
    await topic.sweep();
    expect([topic.knows('a', 'b', 'c'), topic.reads]).toEqual([[], [0, 1]]);
  });

  test('Tombstones.sweep() leaves what was read after the time that Kafka keeps deletes', async () => {
    topic.write('old', true);
    await topic.sweep();
    topic.write('young', true);
    topic.drop(0, 1);
    jest.advanceTimersByTime(RETENTION_MS);
    await topic.sweep();
    expect(topic.knows('old', 'young')).toEqual(['young']);
    jest.advanceTimersByTime(RETENTION_MS);
    await topic.sweep();
    expect(topic.knows('old', 'young')).toEqual([]);
    jest.advanceTimersByTime(10 * RETENTION_MS);
    await topic.sweep();
    expect(topic.reads).toEqual([0, 1]);
  });

  test('Tombstones.sweep() forgets 20,000 deletes in one sweep, and a key that is deleted again and again is one', async () => {
    for (let i = 0; i < 20_000; i++) topic.write(`${i}`, true);
    for (let i = 0; i < 100; i++) topic.write('again', true);
    expect(topic.keys.deletes).toBe(20_001);
    await topic.sweep();
    jest.advanceTimersByTime(RETENTION_MS);
    topic.drop(...Array.from({ length: 10 }, (_, i) => i));
    await topic.sweep();
    expect(topic.keys.deletes).toBe(19_991);
  });

  test('Tombstones.sweep() keeps a delete whose key came back, and waits for a free slot', async () => {
    topic.write('a', true);
    await topic.sweep();
    topic.write('a', false);
    topic.write('b', true);
    topic.drop(0, 2);
    jest.advanceTimersByTime(RETENTION_MS);
    const others = [{ giveWay: () => {} }, { giveWay: () => {} }];
    for (const other of others) topic.slots.take(other);
    await topic.sweep();
    expect(topic.reads).toEqual([]);
    topic.slots.release(others[0]!);
    await topic.sweep();
    expect(topic.reads).toEqual([0]);
    expect(topic.knows('a', 'b')).toEqual(['a', 'b']);
  });
});
