import type {
  Batch,
  BrokerStatus,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
} from '../../app/ports/source.ts';
import { BrokerHealth } from './brokers/broker_health.ts';
import type { KafkaConnection } from './brokers/kafka_connection.ts';
import { BrokerQuestions } from './questions/broker_questions.ts';

/** What the adapters of all clients have in common: all of the port but how records are read. */
export abstract class KafkaSource implements RecordSource {
  readonly forClients: BrokerQuestions;
  protected readonly connection: KafkaConnection;
  protected readonly health: BrokerHealth = new BrokerHealth();
  /** Over connections of their own: a fetch holds one while it waits. */
  protected readonly questions: BrokerQuestions;
  /** Aborts once the source is closed. */
  protected readonly closed: AbortController = new AbortController();

  constructor(connection: KafkaConnection) {
    this.connection = connection;
    this.questions = new BrokerQuestions(connection, this.health);
    this.forClients = this.questions.apart();
  }

  abstract read(
    topic: TopicIdentity,
    from: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch, void>;

  /** Ends with the reads that are under way; `closed` has aborted. */
  protected abstract endReads(): Promise<unknown>;

  describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    return this.questions.describe(topic, signal);
  }

  offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    return this.questions.offsets(topic, partitions, at, signal);
  }

  status(): BrokerStatus {
    return this.health.status;
  }

  async close(): Promise<void> {
    this.closed.abort();
    await Promise.all([this.endReads(), this.questions.close(), this.forClients.close()]);
  }
}
