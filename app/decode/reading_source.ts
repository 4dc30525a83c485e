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
} from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';

/** Lets records wait for what their values are read with. */
export interface BeforeReading {
  settle(records: readonly KafkaRecord[], signal: AbortSignal): Promise<void>;
}

/**
 * A source of records whose values are read: the records are those of another source, as they are,
 * and stay so in memory. What is made of a value is made where it is shown, once for all clients.
 */
export class ReadingSource implements RecordSource {
  readonly values: ValueReader;
  readonly #source: RecordSource;
  readonly #before: BeforeReading | null;

  constructor(source: RecordSource, values: ValueReader, before: BeforeReading | null = null) {
    this.#source = source;
    this.values = values;
    this.#before = before;
  }

  get forClients(): TopicQuestions {
    return this.#source.forClients;
  }

  describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    return this.#source.describe(topic, signal);
  }

  offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    return this.#source.offsets(topic, partitions, at, signal);
  }

  async *read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncIterable<Batch> {
    for await (const batch of this.#source.read(topic, from, signal)) {
      await this.#before?.settle(batch.records, signal);
      if (signal.aborted) return;
      yield batch;
    }
  }

  status(): BrokerStatus {
    return this.#source.status();
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
