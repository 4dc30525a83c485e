import { setImmediate } from 'node:timers/promises';
import { untilAborted } from '../../app/abortable.ts';
import type {
  Batch,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
} from '../../app/source.ts';
import { BrokerHealth } from './broker_health.ts';
import type { KafkaConnection } from './connection.ts';
import { readRuns } from './fetched_records.ts';
import { EARLIEST, LATEST, PlatformaticClient } from './platformatic_client.ts';
import { type Fetched, TopicFetches } from './topic_fetches.ts';
import { TopicPolicies } from './topic_policy.ts';

/** Records of one batch: more would hold the event loop for too long. */
const BATCH_RECORDS = 500;

/** Reads Kafka through @platformatic/kafka, which runs on Deno: no group, no commit. */
export function createPlatformaticSource(connection: KafkaConnection): RecordSource {
  return new PlatformaticSource(connection);
}

class PlatformaticSource implements RecordSource {
  readonly #connection: KafkaConnection;
  /** For questions. Each read has connections of its own: a fetch holds one while it waits. */
  readonly #client: PlatformaticClient;
  readonly #policies: TopicPolicies;
  readonly #health = new BrokerHealth();
  readonly #closed = new AbortController();
  readonly #reads = new Set<PlatformaticClient>();

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
    this.#client = new PlatformaticClient(connection);
    this.#policies = new TopicPolicies(connection);
  }

  async describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    const known = await this.#ask(this.#client.metadata(topic), signal);
    if (known === null) return null;
    const policy = await untilAborted(this.#policies.read(topic), signal);
    return { name: topic, id: known.idBytes, partitions: known.leaders.length, ...policy };
  }

  async offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    // Asked for first: a record that comes between the two questions lies past this end.
    const ends =
      typeof at === 'number' ? await this.offsets(topic, partitions, 'latest', signal) : null;
    const time = at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : at;
    const found = await this.#ask(this.#client.offsets(topic, partitions, time), signal);
    for (const [partition, end] of ends ?? []) {
      if ((found.get(partition) ?? -1) < 0) found.set(partition, end);
    }
    return found;
  }

  async *read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const ended = new AbortController();
    const aborted = AbortSignal.any([signal, this.#closed.signal, ended.signal]);
    const client = new PlatformaticClient(this.#connection);
    this.#reads.add(client);
    const fetches = new TopicFetches({
      client,
      health: this.#health,
      topic,
      from,
      signal: aborted,
    });
    try {
      while (!aborted.aborted) {
        const fetched = await fetches.next();
        for (const batch of toBatches(fetched, fetches.positions)) {
          if (aborted.aborted) return;
          yield batch;
          // A response is decoded in one go otherwise, however much it holds.
          await setImmediate();
        }
      }
    } finally {
      ended.abort();
      await client.close();
      this.#reads.delete(client);
    }
  }

  status(): ReturnType<RecordSource['status']> {
    return this.#health.status;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#reads, this.#client, this.#policies].map((one) => one.close()));
  }

  /** One question to the brokers. */
  async #ask<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      const answer = await untilAborted(asked, signal);
      this.#health.answered();
      return answer;
    } catch (error) {
      if (!signal.aborted) this.#health.failed(error);
      throw error;
    }
  }
}

/** What a fetch brought, in batches; positions move on as they are taken. */
function* toBatches(
  { partitions, starts }: Fetched,
  positions: Map<number, number>,
): Generator<Batch> {
  let records: KafkaRecord[] = [];
  let moved = new Map(starts);
  for (const [partition, start] of starts) positions.set(partition, start);
  for (const fetched of partitions) {
    const { partition } = fetched;
    for (const run of readRuns(fetched, positions.get(partition)!, BATCH_RECORDS)) {
      positions.set(partition, run.next);
      moved.set(partition, run.next);
      records.push(...run.records);
      if (records.length < BATCH_RECORDS) continue;
      yield { records, positions: moved };
      records = [];
      moved = new Map();
    }
  }
  if (moved.size > 0) yield { records, positions: moved };
}
