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
import { type KafkaConnection, REQUEST_TIMEOUT_MS } from '../brokers/kafka_connection.ts';
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
/** A consumer with which nobody reads is kept for so long: to open another takes much longer than to give it other offsets. */
const REST_MS = 5000;
/** So many of all topics: as many as read back for clients. */
const MAX_RESTING = 8;
/**
 * It reads ahead, and one that has come near the end has a request under way which the broker holds for half
 * a second: until then it reads nothing else. What is read ahead is a megabyte or two.
 */
const NEAR_END = 100_000;

type Consumer = InstanceType<typeof KafkaConsumer>;

/** Reads Kafka on Node through librdkafka: `assign` and `consume(n)`, no group, no commit. */
export class ConfluentSource extends KafkaSource {
  readonly #reads = new Set<Promise<void>>();
  /** Consumers with which nobody reads, by topic. */
  readonly #resting = new Map<string, OpenConsumer[]>();
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
    for (const consumer of [...this.#resting.values()].flat()) void this.#leave(consumer);
    this.#resting.clear();
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
        for await (const batch of this.#consume(topic, positions, signal)) {
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
  async *#consume(
    topic: TopicIdentity,
    positions: Offsets,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const rested = this.#takeRested(topic);
    const consumer = rested ?? new OpenConsumer(this.connection, topic.name);
    const ended = new LinkedAbort(signal, consumer.lost);
    let isOpen = rested !== null;
    let isFit = false;
    try {
      await untilAborted(consumer.connected, ended.signal);
      isOpen = true;
      consumer.assign(positions);
      while (!signal.aborted) {
        const read = await consumer.read();
        isFit = !consumer.lost.aborted;
        if (signal.aborted) return;
        consumer.lost.throwIfAborted();
        // It may have taken the place of ends that were reached.
        if (read === null) consumer.assign(positions);
        else if (read.messages.length + read.ends.length > 0) yield toBatch(read);
        isFit = false;
      }
    } finally {
      ended.letGo();
      if (!isFit || this.closed.signal.aborted || !this.#rest(topic, consumer)) {
        const gone = this.#leave(consumer);
        if (isOpen && !consumer.lost.aborted) await gone;
      }
    }
  }

  #takeRested(topic: TopicIdentity): OpenConsumer | null {
    const name = nameOf(topic);
    const resting = this.#resting.get(name) ?? [];
    const rested = resting.pop() ?? null;
    if (resting.length === 0) this.#resting.delete(name);
    rested?.wake();
    if (rested === null || !rested.lost.aborted) return rested;
    void this.#leave(rested);
    return null;
  }

  /** @returns false where there are enough that rest, or it is of no use */
  #rest(topic: TopicIdentity, consumer: OpenConsumer): boolean {
    const name = nameOf(topic);
    const resting = this.#resting.get(name) ?? [];
    const all = [...this.#resting.values()].reduce((sum, { length }) => sum + length, 0);
    if (all >= MAX_RESTING || consumer.isNearEnd) return false;
    this.#resting.set(name, resting);
    resting.push(consumer);
    consumer.rest(() => {
      resting.splice(resting.indexOf(consumer), 1);
      if (resting.length === 0) this.#resting.delete(name);
      void this.#leave(consumer);
    });
    return true;
  }

  #leave(consumer: OpenConsumer): Promise<void> {
    const gone = consumer.leave();
    this.#leaving.add(gone);
    void gone.then(() => this.#leaving.delete(gone));
    return gone;
  }
}

/** A consumer of one topic, which can be given other offsets. */
class OpenConsumer {
  readonly connected: Promise<void>;
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #lost = new AbortController();
  readonly #leaving = new AbortController();
  #positions: Offsets = new Map();
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: KafkaConnection, topic: string) {
    this.#topic = topic;
    const config = {
      ...globalConfig(connection),
      ...CONSUMER_CONFIG,
      ...tokenConfig(connection, this.#leaving.signal),
    };
    this.#consumer = new KafkaConsumer(config, { 'auto.offset.reset': 'earliest' });
    // Without this, the wait starts over at each record: 5 s of latency at 20 records/s.
    this.#consumer.setDefaultConsumeTimeout(READ_WAIT_MS);
    (this.#consumer as Consumer & TimeoutOnlyForFirst).setDefaultIsTimeoutOnlyForFirstMessage(true);
    listen(this.#consumer, (why) => this.#lost.abort(why));
    this.connected = connect(this.#consumer, topic);
  }

  /** Aborts once it cannot go on. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether it is, in one of its partitions, or does not know. */
  get isNearEnd(): boolean {
    try {
      return [...this.#positions].some(([partition, position]) => {
        const { highOffset } = this.#consumer.getWatermarkOffsets(this.#topic, partition);
        return highOffset < position + NEAR_END;
      });
    } catch {
      return true;
    }
  }

  assign(positions: Offsets): void {
    const topic = this.#topic;
    this.#positions = positions;
    this.#consumer.assign(
      [...positions].map(([partition, offset]) => ({ topic, partition, offset })),
    );
  }

  read(): Promise<Read | null> {
    return consume(this.#consumer);
  }

  /** Reads nothing until it is woken. @param over called where that takes too long */
  rest(over: () => void): void {
    this.#consumer.unassign();
    this.#restTimer = setTimeout(over, REST_MS);
  }

  wake(): void {
    clearTimeout(this.#restTimer);
  }

  leave(): Promise<void> {
    this.wake();
    this.#leaving.abort();
    return leave(this.#consumer, this.connected);
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

/** That of a topic which was made anew is another. */
function nameOf({ name, id }: TopicIdentity): string {
  return `${name}/${id}`;
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
