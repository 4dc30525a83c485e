import kafka from '@confluentinc/kafka-javascript';
import { getLogger } from '@logtape/logtape';
import type { Batch, Offsets, TopicIdentity } from '../../../app/ports/source.ts';
import {
  abortableDelay,
  backoff,
  LinkedAbort,
  untilAborted,
  untilAnswered,
} from '../../../app/waits/abortable.ts';
import { REQUEST_TIMEOUT_MS } from '../brokers/kafka_connection.ts';
import { KafkaSource } from '../kafka_source.ts';
import { assertSame, TopicCheck } from '../questions/topic_check.ts';
import { type Read, toBatch } from './confluent_batch.ts';
import { CONSUMER_CONFIG, globalConfig, tokenConfig } from './confluent_config.ts';
import { listen } from './confluent_events.ts';

const { CODES, KafkaConsumer } = kafka;
const logger = getLogger(['sse-kafka', 'brokers']);

/** Records of one read: more would hold the event loop for longer than 10 ms (measured). */
const BATCH_RECORDS = 500;
/** How long one read waits for a record; a read that is aborted ends within this time. */
const READ_WAIT_MS = 500;

type Consumer = InstanceType<typeof KafkaConsumer>;

/** Reads Kafka on Node through librdkafka: `assign` and `consume(n)`, no group, no commit. */
export class ConfluentSource extends KafkaSource {
  readonly #reads = new Set<Promise<void>>();
  /** Consumers that are about to be disconnected. */
  readonly #leaving = new Set<Promise<void>>();

  override async *read(
    topic: TopicIdentity,
    from: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const ended = new LinkedAbort(signal, this.closed.signal);
    const aborted = ended.signal;
    const check = new TopicCheck(topic, () => this.questions.topicId(topic.name));
    const { promise, resolve } = deferred();
    this.#reads.add(promise);
    try {
      for await (const batch of this.#consumeAgain(topic, from, aborted)) {
        await check.assertSame(aborted);
        if (aborted.aborted) return;
        yield batch;
      }
    } finally {
      ended.letGo();
      this.health.ended('read', topic.name);
      resolve();
      this.#reads.delete(promise);
    }
  }

  /**
   * Waits for the consumers, too, though not for longer than a request may take: at the end of the
   * process OpenSSL is gone before their threads are, which crashes it (seen in 1 of 30 ends).
   */
  override async close(): Promise<void> {
    await super.close();
    const deadline = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    await untilAborted(Promise.all(this.#leaving), deadline).catch(() => {});
  }

  protected override endReads(): Promise<unknown> {
    return Promise.all(this.#reads);
  }

  /** Consumes on where a consumer could not go on, once the brokers answer. */
  async *#consumeAgain(
    topic: TopicIdentity,
    from: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const { name } = topic;
    const positions = new Map(from);
    for (let failures = 0; !signal.aborted; ) {
      let error: unknown;
      try {
        for await (const batch of this.#consume(name, positions, signal)) {
          failures = 0;
          this.health.answered('read', name);
          for (const [partition, offset] of batch.positions) positions.set(partition, offset);
          yield batch;
        }
      } catch (cause) {
        error = cause;
      }
      if (signal.aborted) return;
      failures += 1;
      logger.debug('Cannot read topic {name}, trying again: {error}', { name, error });
      // The other client can tell why the brokers do not answer, and waits until they do.
      const ask = (): Promise<Uint8Array | null> => this.questions.topicIdAnew(name, signal);
      const id = await untilAnswered(ask, signal, () => {});
      if (signal.aborted) return;
      assertSame(topic, id);
      // Brokers that are only started anew are no trouble to tell.
      if (failures > 1 || !isLocal(error)) this.health.failedAt('read', name, error);
      await abortableDelay(backoff(failures), signal);
    }
  }

  /** Reads until the consumer cannot go on, which is thrown. */
  async *#consume(topic: string, positions: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const leaving = new AbortController();
    const config = {
      ...globalConfig(this.connection),
      ...CONSUMER_CONFIG,
      ...tokenConfig(this.connection, leaving.signal),
    };
    const consumer = new KafkaConsumer(config, { 'auto.offset.reset': 'earliest' });
    // Without this, the wait starts over at each record: 5 s of latency at 20 records/s.
    consumer.setDefaultConsumeTimeout(READ_WAIT_MS);
    (consumer as Consumer & TimeoutOnlyForFirst).setDefaultIsTimeoutOnlyForFirstMessage(true);
    const lost = new AbortController();
    const ended = new LinkedAbort(signal, lost.signal);
    listen(consumer, (why) => lost.abort(why));
    const connected = connect(consumer, topic);
    let isOpen = false;
    try {
      await untilAborted(connected, ended.signal);
      isOpen = true;
      assign(consumer, topic, positions);
      while (!signal.aborted) {
        const read = await consume(consumer);
        if (signal.aborted) return;
        lost.signal.throwIfAborted();
        // It may have taken the place of ends that were reached.
        if (read === null) assign(consumer, topic, positions);
        else if (read.messages.length + read.ends.length > 0) yield toBatch(read);
      }
    } finally {
      ended.letGo();
      leaving.abort();
      const gone = leave(consumer, connected);
      this.#leaving.add(gone);
      void gone.then(() => this.#leaving.delete(gone));
      if (isOpen && !lost.signal.aborted) await gone;
    }
  }
}

/** Missing from the package's types. */
interface TimeoutOnlyForFirst {
  setDefaultIsTimeoutOnlyForFirstMessage(value: boolean): void;
}

function connect(consumer: Consumer, topic: string): Promise<void> {
  return new Promise((done, fail) => {
    consumer.connect({ topic, timeout: REQUEST_TIMEOUT_MS }, (error) =>
      error ? fail(error) : done(),
    );
  });
}

function assign(consumer: Consumer, topic: string, positions: Offsets): void {
  consumer.assign([...positions].map(([partition, offset]) => ({ topic, partition, offset })));
}

/** `null` where there was only the news that the consumer's group, which is never used, is refused. */
function consume(consumer: Consumer): Promise<Read | null> {
  return new Promise((done, fail) => {
    const ends: kafka.TopicPartitionOffset[] = [];
    const noteEnd = (end: kafka.TopicPartitionOffset): unknown => ends.push(end);
    consumer.on('partition.eof', noteEnd);
    consumer.consume(BATCH_RECORDS, (error, messages) => {
      consumer.removeListener('partition.eof', noteEnd);
      if (error?.code === CODES.ERRORS.ERR_GROUP_AUTHORIZATION_FAILED) done(null);
      else if (error) fail(error);
      else done({ messages, ends });
    });
  });
}

/** Whether an error is the client's own, and not an answer of the brokers. */
function isLocal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code !== 'number' || code < 0;
}

/** Before a consumer is connected, which takes up to 5 s, there is nothing to disconnect. */
async function leave(consumer: Consumer, connected: Promise<void>): Promise<void> {
  try {
    await connected;
  } catch {
    return; // It has disconnected itself.
  }
  await new Promise<void>((done) => {
    consumer.disconnect(() => done());
  });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
