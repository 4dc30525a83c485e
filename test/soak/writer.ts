import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { eventually, within } from '../support/deadline.ts';

const CONNECT_MS = 10_000;
/** Longer than any outage of the broker that the faults make. */
const ANSWER_MS = 120_000;
const POLL_MS = 20;
/** Of a transaction; one that is older the broker aborts by itself. */
const TRANSACTION_MS = 90_000;

/** Told of one record: its offset, or why it was not written. */
type Told = (error: LibrdKafkaError | null, offset: number) => void;

/**
 * Writes each record exactly once and in order, whatever the broker goes through: librdkafka's
 * idempotent producer sends a batch until it is acknowledged, and Kafka takes it only once.
 * It ends with this process.
 */
export class Writer {
  readonly #producer: InstanceType<typeof kafka.Producer>;

  /** @param transactionalId for one that writes in transactions alone */
  static async connect(brokers: string, transactionalId?: string): Promise<Writer> {
    const writer = new Writer(brokers, transactionalId);
    const producer = writer.#producer;
    await promised('the producer to connect', (done) =>
      producer.connect({ timeout: CONNECT_MS }, (error) => done(error)),
    );
    if (transactionalId !== undefined) {
      await promised('the producer of transactions', (done) =>
        producer.initTransactions(ANSWER_MS, done),
      );
    }
    return writer;
  }

  private constructor(brokers: string, transactionalId: string | undefined) {
    this.#producer = new kafka.Producer(
      {
        'metadata.broker.list': brokers,
        'enable.metrics.push': false,
        'enable.idempotence': true,
        'linger.ms': 5,
        'topic.metadata.refresh.interval.ms': 1000,
        'reconnect.backoff.max.ms': 1000,
        dr_cb: true,
        ...(transactionalId === undefined
          ? {}
          : { 'transactional.id': transactionalId, 'transaction.timeout.ms': TRANSACTION_MS }),
      },
      // Never given up: it could have been written.
      { 'message.timeout.ms': transactionalId === undefined ? 0 : TRANSACTION_MS },
    );
    this.#producer.setPollInterval(POLL_MS);
    this.#producer.on('delivery-report', (error, { opaque, offset }) => {
      (opaque as Told)(error ?? null, offset);
    });
    this.#producer.on('event.error', () => {}); // Brokers that are away are no news here.
  }

  /** @returns the offset, once the broker has it. */
  write(
    topic: string,
    partition: number,
    key: string | null,
    value: Uint8Array | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const told: Told = (error, offset) => (error === null ? resolve(offset) : reject(error));
      const bytes = value === null ? null : Buffer.from(value);
      const all = Object.entries(headers).map(([name, text]) => ({ [name]: text }));
      this.#producer.produce(topic, partition, bytes, key, null, told, all);
    });
  }

  begin(): Promise<void> {
    return promised('a transaction', (done) => this.#producer.beginTransaction(done));
  }

  commit(): Promise<void> {
    return this.#end('a commit', (done) => this.#producer.commitTransaction(ANSWER_MS, done));
  }

  abort(): Promise<void> {
    return this.#end('an abort', (done) => this.#producer.abortTransaction(ANSWER_MS, done));
  }

  /** While the broker is away it may have to be asked again; the outcome is the same then. */
  async #end(label: string, ask: (done: Done) => void): Promise<void> {
    await eventually(
      label,
      async () => {
        try {
          await promised(label, ask);
          return true;
        } catch (error) {
          if ((error as LibrdKafkaError).isRetriable) return false;
          throw error;
        }
      },
      2 * ANSWER_MS,
    );
  }
}

type Done = (error?: LibrdKafkaError | null) => void;

function promised(label: string, ask: (done: Done) => void): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    ask((error) => (error ? reject(error) : resolve()));
  });
  return within(label, answered, 2 * ANSWER_MS);
}
