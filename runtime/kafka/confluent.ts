import kafka from '@confluentinc/kafka-javascript';
import { abortableDelay, backoff, untilAborted } from '../../app/abortable.ts';
import type {
  Batch,
  Header,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
} from '../../app/source.ts';
import { BrokerHealth } from './broker_health.ts';
import { CONSUMER_CONFIG, globalConfig } from './confluent_config.ts';
import { listen } from './confluent_events.ts';
import { type KafkaConnection, REQUEST_TIMEOUT_MS } from './connection.ts';
import { TopicCheck } from './topic_check.ts';
import { TopicPolicies } from './topic_policy.ts';

const { AdminClient, CODES, IsolationLevel, KafkaConsumer } = kafka;

/** Records of one read: more would hold the event loop for longer than 10 ms (measured). */
const BATCH_RECORDS = 500;
/** How long one read waits for a record; a read that is aborted ends within this time. */
const READ_WAIT_MS = 500;
/** Where no record has a time or a later one; what lies below is no offset at all. */
const NO_RECORD = -1;

type Consumer = InstanceType<typeof KafkaConsumer>;
type Admin = ReturnType<typeof AdminClient.create>;

interface Read {
  readonly messages: kafka.Message[];
  /** Positions of partitions of which the end was reached. */
  readonly ends: kafka.TopicPartitionOffset[];
}

/** Reads Kafka on Node through librdkafka: `assign` and `consume(n)`, no group, no commit. */
export class ConfluentSource implements RecordSource {
  readonly #config: kafka.ConsumerGlobalConfig;
  readonly #policies: TopicPolicies;
  readonly #health = new BrokerHealth();
  readonly #closed = new AbortController();
  readonly #reads = new Set<Promise<void>>();
  #admin: Admin | null = null;

  constructor(connection: KafkaConnection) {
    this.#config = globalConfig(connection);
    this.#policies = new TopicPolicies(connection);
  }

  async describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    const found = await this.#find(topic, signal);
    if (found === null) return null;
    const policy = await untilAborted(this.#policies.read(topic), signal);
    return {
      name: topic,
      id: idBytes(found.topicId),
      partitions: found.partitions.length,
      ...policy,
    };
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
    const offset = offsetSpec(at);
    const options = {
      timeout: REQUEST_TIMEOUT_MS,
      isolationLevel: IsolationLevel.READ_COMMITTED,
    };
    const asked = partitions.map((partition) => ({ topic, partition, offset }));
    const results = await this.#ask<kafka.ListOffsetsResult[]>(signal, (admin, done) =>
      admin.listOffsets(asked, options, done),
    );
    const found = new Map<number, number>();
    for (const result of results) {
      if (result.error !== undefined && result.error.code !== CODES.ERRORS.ERR_NO_ERROR) {
        throw result.error;
      }
      // Seen as the brokers went down: no error, and no offset either.
      if (result.offset < NO_RECORD) throw new Error('the brokers did not tell the offset');
      found.set(result.partition, result.offset);
    }
    for (const [partition, end] of ends ?? []) {
      if ((found.get(partition) ?? -1) < 0) found.set(partition, end);
    }
    return found;
  }

  async *read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const { name } = topic;
    const aborted = AbortSignal.any([signal, this.#closed.signal]);
    const check = new TopicCheck(topic, async (asked) => {
      const found = await this.#find(name, asked);
      return found === null ? null : idBytes(found.topicId);
    });
    const consumer = await this.#connect(name, aborted);
    if (consumer === null) return;
    const { promise, resolve } = deferred();
    this.#reads.add(promise);
    try {
      consumer.assign([...from].map(([partition, offset]) => ({ topic: name, partition, offset })));
      while (!aborted.aborted) {
        const read = await consume(consumer);
        if (aborted.aborted) return;
        const batch = toBatch(read);
        if (batch.positions.size === 0) continue;
        await check.assertSame(aborted);
        if (aborted.aborted) return;
        this.#health.answered();
        yield batch;
      }
    } finally {
      await disconnect(consumer);
      resolve();
      this.#reads.delete(promise);
    }
  }

  status(): ReturnType<RecordSource['status']> {
    return this.#health.status;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#reads);
    // It blocks the process for seconds where the brokers are down; the process ends anyway.
    if (this.#health.status.up) this.#admin?.disconnect();
    await this.#policies.close();
  }

  /** `null` where there is no topic of that name. */
  async #find(topic: string, signal: AbortSignal): Promise<kafka.TopicDescription | null> {
    const [found] = await this.#ask<kafka.TopicDescription[]>(signal, (admin, done) =>
      admin.describeTopics([topic], { timeout: REQUEST_TIMEOUT_MS }, done),
    );
    if (found?.error === undefined) return found ?? null;
    if (found.error.code === CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) return null;
    throw found.error;
  }

  /** A connected consumer; tries for as long as the brokers are down. `null` once aborted. */
  async #connect(topic: string, signal: AbortSignal): Promise<Consumer | null> {
    for (let failures = 0; !signal.aborted; failures++) {
      const consumer = new KafkaConsumer(
        { ...this.#config, ...CONSUMER_CONFIG },
        { 'auto.offset.reset': 'earliest' },
      );
      // Without this, the wait starts over at each record: 5 s of latency at 20 records/s.
      consumer.setDefaultConsumeTimeout(READ_WAIT_MS);
      (consumer as Consumer & TimeoutOnlyForFirst).setDefaultIsTimeoutOnlyForFirstMessage(true);
      listen(consumer, this.#health);
      try {
        const connected = new Promise<void>((done, fail) => {
          consumer.connect({ topic, timeout: REQUEST_TIMEOUT_MS }, (error) =>
            error ? fail(error) : done(),
          );
        });
        await untilAborted(connected, signal);
        return consumer;
      } catch (error) {
        if (signal.aborted) {
          void disconnect(consumer);
          return null;
        }
        this.#health.failed(error);
        await abortableDelay(backoff(failures + 1), signal);
      }
    }
    return null;
  }

  #connectedAdmin(): Admin {
    if (this.#admin === null) {
      this.#admin = AdminClient.create(this.#config);
      listen(this.#admin, this.#health);
    }
    return this.#admin;
  }

  /** One question to the brokers, with the deadline that its options give. */
  async #ask<T>(
    signal: AbortSignal,
    question: (admin: Admin, done: (error: kafka.LibrdKafkaError, result: T) => void) => void,
  ): Promise<T> {
    const admin = this.#connectedAdmin();
    try {
      const asked = new Promise<T>((done, fail) => {
        question(admin, (error, answer) => (error ? fail(error) : done(answer)));
      });
      const result = await untilAborted(asked, signal);
      this.#health.answered();
      return result;
    } catch (error) {
      if (!signal.aborted) this.#health.failed(error);
      throw error;
    }
  }
}

/** Missing from the package's types. */
interface TimeoutOnlyForFirst {
  setDefaultIsTimeoutOnlyForFirstMessage(value: boolean): void;
}

function consume(consumer: Consumer): Promise<Read> {
  return new Promise((done, fail) => {
    const ends: kafka.TopicPartitionOffset[] = [];
    const noteEnd = (end: kafka.TopicPartitionOffset): unknown => ends.push(end);
    consumer.on('partition.eof', noteEnd);
    consumer.consume(BATCH_RECORDS, (error, messages) => {
      consumer.removeListener('partition.eof', noteEnd);
      if (error) fail(error);
      else done({ messages, ends });
    });
  });
}

function disconnect(consumer: Consumer): Promise<void> {
  return new Promise((done) => {
    consumer.disconnect(() => done());
  });
}

function toBatch({ messages, ends }: Read): Batch {
  const positions = new Map<number, number>();
  const records = messages.map(toRecord);
  for (const { partition, offset } of records) positions.set(partition, offset + 1);
  for (const { partition, offset } of ends) positions.set(partition, offset);
  return { records, positions };
}

function toRecord(message: kafka.Message): KafkaRecord {
  const { partition, offset, timestamp, key, value, headers } = message;
  return {
    partition,
    offset,
    timestamp: timestamp ?? -1,
    key: typeof key === 'string' ? Buffer.from(key) : (key ?? null),
    value,
    headers: headers?.map(toHeader) ?? NO_HEADERS,
  };
}

const NO_HEADERS: readonly Header[] = [];

/** The client has an object of one member for each; it cannot tell null from an empty value. */
function toHeader(header: object): Header {
  // A member of that name is set as the object's prototype.
  const [name, value] = Object.entries(header)[0] ?? ['__proto__', Object.getPrototypeOf(header)];
  return [name, typeof value === 'string' ? Buffer.from(value) : value];
}

function idBytes(id: kafka.Uuid): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, id.mostSignificantBits);
  return bytes.slice(0, 4);
}

function offsetSpec(at: OffsetSpec): kafka.OffsetSpec {
  if (at === 'earliest') return kafka.OffsetSpec.EARLIEST;
  if (at === 'latest') return kafka.OffsetSpec.LATEST;
  return new kafka.OffsetSpec(at);
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
