import { setImmediate } from 'node:timers/promises';
import type {
  Batch,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
} from '../../../app/ports/source.ts';
import { LinkedAbort } from '../../../app/waits/abortable.ts';
import { BrokerHealth } from '../brokers/broker_health.ts';
import { KafkaClient } from '../brokers/kafka_client.ts';
import type { KafkaConnection } from '../brokers/kafka_connection.ts';
import { BrokerQuestions } from '../questions/broker_questions.ts';
import { readRuns } from './fetched_records.ts';
import { type Fetched, TopicFetches } from './topic_fetches.ts';

/** Records of one batch: more would hold the event loop for too long. */
const BATCH_RECORDS = 500;

/** Reads Kafka through @platformatic/kafka, which runs on Deno: no group, no commit. */
export function createPlatformaticSource(connection: KafkaConnection): RecordSource {
  return new PlatformaticSource(connection);
}

class PlatformaticSource implements RecordSource {
  readonly #connection: KafkaConnection;
  readonly #health = new BrokerHealth();
  /** Each read has connections of its own: a fetch holds one while it waits. */
  readonly #questions: BrokerQuestions;
  readonly forClients: BrokerQuestions;
  readonly #closed = new AbortController();
  readonly #reads = new Set<KafkaClient>();

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
    this.#questions = new BrokerQuestions(connection, this.#health);
    this.forClients = this.#questions.apart();
  }

  describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    return this.#questions.describe(topic, signal);
  }

  offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    return this.#questions.offsets(topic, partitions, at, signal);
  }

  async *read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const ended = new LinkedAbort(signal, this.#closed.signal);
    const aborted = ended.signal;
    const client = new KafkaClient(this.#connection);
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
        for (const batch of toBatches(fetched, fetches)) {
          if (aborted.aborted) return;
          yield batch;
          // A response is decoded in one go otherwise, however much it holds.
          await setImmediate();
        }
      }
    } finally {
      ended.abort();
      ended.letGo();
      this.#health.ended('read', topic.name);
      await client.close();
      this.#reads.delete(client);
    }
  }

  status(): ReturnType<RecordSource['status']> {
    return this.#health.status;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#reads, this.#questions, this.forClients].map((one) => one.close()));
  }
}

/** What a fetch brought, in batches; positions move on as they are taken. */
function* toBatches({ partitions, starts }: Fetched, fetches: TopicFetches): Generator<Batch> {
  let records: KafkaRecord[] = [];
  let moved = new Map(starts);
  for (const [partition, start] of starts) fetches.positions.set(partition, start);
  for (const fetched of partitions) {
    const { partition } = fetched;
    try {
      for (const run of readRuns(fetched, fetches.positions.get(partition)!, BATCH_RECORDS)) {
        fetches.take(partition, run.next);
        moved.set(partition, run.next);
        records.push(...run.records);
        if (records.length < BATCH_RECORDS) continue;
        yield { records, positions: moved };
        records = [];
        moved = new Map();
      }
    } catch (error) {
      // The others go on.
      fetches.lose(partition, error);
    }
  }
  if (moved.size > 0) yield { records, positions: moved };
}
