import type {
  Batch,
  BrokerStatus,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
  TopicQuestions,
} from '../../app/ports/source.ts';
import type { MemoryKafka, MemoryTopic } from './memory_kafka.ts';

const BATCH_RECORDS = 1000;

/** Reads from the Kafka in this process, at once and without a fault. */
export class MemorySource implements RecordSource {
  readonly forClients: TopicQuestions = this;
  readonly #kafka: MemoryKafka;

  constructor(kafka: MemoryKafka) {
    this.#kafka = kafka;
  }

  async describe(name: string): Promise<TopicDescription | null> {
    const topic = this.#kafka.topic(name);
    if (topic === undefined) return null;
    const { id, partitions, compacted, deletes, deleteRetentionMs } = topic;
    return {
      name,
      id,
      partitions: partitions.length,
      compacted,
      deletes,
      deleteRetentionMs: compacted ? deleteRetentionMs : null,
    };
  }

  async offsets(name: string, partitions: readonly number[], at: OffsetSpec): Promise<Offsets> {
    const topic = this.#kafka.existing(name);
    return new Map(
      partitions.map((number) => {
        const partition = topic.partitions[number];
        if (partition === undefined) throw new Error(`no partition ${number} of ${name}`);
        if (at === 'earliest') return [number, partition.start];
        return [number, at === 'latest' ? partition.stableEnd : partition.offsetOf(at)];
      }),
    );
  }

  async *read(
    { name, id }: TopicIdentity,
    from: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const positions = new Map(from);
    while (!signal.aborted) {
      const topic = this.#kafka.topic(name);
      if (topic !== undefined && String(topic.id) !== String(id)) {
        throw new Error(`topic ${name} was made anew`);
      }
      const batch = topic === undefined ? null : fetch(topic, positions);
      if (batch === null) await this.#kafka.nextChange(signal);
      else yield batch;
    }
  }

  status(): BrokerStatus {
    return { up: true, error: null };
  }

  async close(): Promise<void> {}
}

/** Moves the positions on. `null` where nothing moved. */
function fetch(topic: MemoryTopic, positions: Map<number, number>): Batch | null {
  const records: KafkaRecord[] = [];
  const moved = new Map<number, number>();
  for (const [number, before] of positions) {
    const partition = topic.partitions[number];
    if (partition === undefined) continue;
    const { start, stableEnd, entries } = partition;
    let next = before < start || before > partition.end ? start : before;
    let at = partition.indexOf(next);
    for (; at < entries.length && records.length < BATCH_RECORDS; at++) {
      const { offset, record } = entries[at]!;
      if (offset >= stableEnd) break;
      if (record !== null) records.push(record);
      next = offset + 1;
    }
    if (records.length < BATCH_RECORDS) next = Math.max(next, stableEnd);
    if (next === before) continue;
    moved.set(number, next);
    positions.set(number, next);
  }
  return moved.size === 0 ? null : { records, positions: moved };
}
