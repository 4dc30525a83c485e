import { setImmediate } from 'node:timers/promises';
import type {
  Batch,
  KafkaRecord,
  Offsets,
  RecordSource,
  TopicIdentity,
} from '../../../app/ports/source.ts';
import { LinkedAbort } from '../../../app/waits/abortable.ts';
import { KafkaClient } from '../brokers/kafka_client.ts';
import type { KafkaConnection } from '../brokers/kafka_connection.ts';
import { KafkaSource } from '../kafka_source.ts';
import { readRuns } from './fetched_records.ts';
import { type Fetched, TopicFetches } from './topic_fetches.ts';

/** Records of one batch: more would hold the event loop for too long. */
const BATCH_RECORDS = 500;

/** Reads Kafka through @platformatic/kafka, which runs on Deno: no group, no commit. */
export function createPlatformaticSource(connection: KafkaConnection): RecordSource {
  return new PlatformaticSource(connection);
}

class PlatformaticSource extends KafkaSource {
  readonly #reads = new Set<KafkaClient>();

  override async *read(
    topic: TopicIdentity,
    from: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const ended = new LinkedAbort(signal, this.closed.signal);
    const aborted = ended.signal;
    const client = new KafkaClient(this.connection);
    this.#reads.add(client);
    const fetches = new TopicFetches({
      client,
      health: this.health,
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
      this.health.ended('read', topic.name);
      await client.close();
      this.#reads.delete(client);
    }
  }

  protected override endReads(): Promise<unknown> {
    return Promise.all([...this.#reads].map((client) => client.close()));
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
