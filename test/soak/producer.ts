import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../model/random.ts';
import { within } from '../support/deadline.ts';
import type { ProducedTopics } from './kafka_topics.ts';
import { hashOf, type Produced, type ProducedTopic } from './produced.ts';
import type { Schemas, Value } from './schemas.ts';
import { KEYS, kindOf, ownKeyFor, valueFor } from './values.ts';
import { Writer } from './writer.ts';

const TICK_MS = 100;
/** Records that wait for the broker; while it is away no more are made. */
const MAX_UNACKNOWLEDGED = 500;
const LAST_MS = 120_000;

/** Of all records. */
const SHARE_IN_TRANSACTIONS = 0.2;
const MAX_IN_TRANSACTION = 8;
const ABORTED = 0.25;
const TOMBSTONES = 0.1;
/** Of a topic that is not compacted. */
const WITHOUT_KEY = 0.2;
/** librdkafka's ERR__UNKNOWN_PARTITION: it never left this process. */
const UNKNOWN_PARTITION = -190;
/** librdkafka's ERR__MSG_TIMED_OUT. */
const TIMED_OUT = -192;

/** Produces to all topics at a steady pace and notes what Kafka took. */
export class Producer {
  /** When the last record was acknowledged; Unix time in milliseconds. */
  lastAcknowledged = 0;
  /** Why it cannot go on; nothing can be judged then. */
  fault: unknown = null;
  readonly #topics: ProducedTopics;
  readonly #schemas: Schemas | null;
  readonly #random: Random;
  readonly #rate: number;
  readonly #plain: Writer;
  readonly #transactional: Writer;
  readonly #stopped = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #unacknowledged = new Set<Promise<unknown>>();

  static async start(
    brokers: string,
    topics: ProducedTopics,
    schemas: Schemas | null,
    seed: number,
    rate: number,
  ): Promise<Producer> {
    const writers = [Writer.connect(brokers), Writer.connect(brokers, 'soak')] as const;
    const [plain, transactional] = await Promise.all(writers);
    return new Producer(topics, schemas, seed, rate, plain, transactional);
  }

  private constructor(
    topics: ProducedTopics,
    schemas: Schemas | null,
    seed: number,
    rate: number,
    plain: Writer,
    transactional: Writer,
  ) {
    this.#topics = topics;
    this.#schemas = schemas;
    this.#random = new Random(seed);
    this.#rate = rate;
    this.#plain = plain;
    this.#transactional = transactional;
    this.#running = Promise.all([this.#produce(), this.#produceTransactions()]).catch((error) => {
      this.fault ??= error;
    });
  }

  /** Stops, writes a last record to each partition, and waits until Kafka has all. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await within('the producer to stop', this.#running, 2 * LAST_MS);
    if (this.fault !== null) return;
    const { transactions, ...others } = this.#topics;
    for (const topic of Object.values(others)) {
      for (const partition of topic.partitions.keys()) this.#write(topic, partition);
    }
    await this.#transaction([...transactions.partitions.keys()], false);
    await within('the last records', Promise.all(this.#unacknowledged), LAST_MS);
  }

  async #produce(): Promise<void> {
    const perTick = (this.#rate * (1 - SHARE_IN_TRANSACTIONS) * TICK_MS) / 1000;
    const { plain, deleted, compacted, typed } = this.#topics;
    const shares = [plain, plain, deleted, compacted, ...(typed === undefined ? [] : [typed])];
    for (let due = 0; !this.#stopped.signal.aborted; await delay(TICK_MS)) {
      for (due += perTick; due >= 1; due--) {
        if (this.#unacknowledged.size >= MAX_UNACKNOWLEDGED) continue;
        const topic = this.#random.pick(shares);
        this.#write(topic, this.#anyPartition(topic));
      }
    }
  }

  #write(topic: ProducedTopic, partition: number): void {
    const written = this.#send(this.#plain, topic, partition).then(
      (record) => {
        if (record !== null) topic.commit([record]);
      },
      (error) => {
        this.fault ??= error;
      },
    );
    this.#unacknowledged.add(written);
    written.finally(() => this.#unacknowledged.delete(written));
  }

  async #produceTransactions(): Promise<void> {
    const { transactions } = this.#topics;
    const random = this.#random.fork();
    const perSecond = this.#rate * SHARE_IN_TRANSACTIONS;
    while (!this.#stopped.signal.aborted) {
      const count = random.between(1, MAX_IN_TRANSACTION);
      const partitions = Array.from({ length: count }, () => this.#anyPartition(transactions));
      await this.#transaction(partitions, random.chance(ABORTED));
      await delay((count * 1000) / perSecond);
    }
  }

  async #transaction(partitions: readonly number[], isAborted: boolean): Promise<void> {
    const topic = this.#topics.transactions;
    await this.#transactional.begin();
    const sent = await Promise.allSettled(
      partitions.map((partition) => this.#send(this.#transactional, topic, partition)),
    );
    const records = sent.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []));
    const faults = sent.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    for (const fault of faults) if (fault.code !== TIMED_OUT) throw fault;
    // What was not written in the time of a transaction is not written any more.
    if (isAborted || faults.length > 0) {
      topic.abort(records.map(({ serial }) => serial));
      await this.#transactional.abort();
    } else {
      await this.#transactional.commit();
      topic.commit(records);
    }
  }

  /** @returns `null` where the client did not know the partition yet. */
  async #send(writer: Writer, topic: ProducedTopic, partition: number): Promise<Produced | null> {
    const random = this.#random;
    const serial = topic.nextSerial();
    const isTombstone = random.chance(TOMBSTONES);
    const key = this.#keyFor(topic, partition, serial, isTombstone);
    const text = isTombstone ? null : valueFor(serial, random);
    const { bytes, shown } = this.#valueOf(topic, serial, text);
    try {
      const headers = { kind: kindOf(serial) };
      const offset = await writer.write(topic.name, partition, key, bytes, headers);
      this.lastAcknowledged = Date.now();
      const hash = shown === null ? null : hashOf(shown);
      return topic.acknowledged({ serial, partition, offset, key, hash });
    } catch (error) {
      topic.abort([serial]);
      if ((error as { code?: number }).code !== UNKNOWN_PARTITION) throw error;
      return null;
    }
  }

  /** What Kafka gets, and what a client is shown of it. */
  #valueOf(topic: ProducedTopic, serial: number, text: string | null): Value {
    if (text === null) return { bytes: null, shown: null };
    const isTyped = topic === this.#topics.typed && this.#schemas !== null;
    return isTyped
      ? this.#schemas.next().write(serial, text)
      : { bytes: Buffer.from(text), shown: text };
  }

  /** Some keys are those of one partition alone, only these are deleted: see `delivery.ts`. */
  #keyFor(
    topic: ProducedTopic,
    partition: number,
    serial: number,
    isTombstone: boolean,
  ): string | null {
    const random = this.#random;
    const number = random.between(1, KEYS);
    if (!topic.isCompacted) {
      if (isTombstone) return ownKeyFor(serial);
      return random.chance(WITHOUT_KEY) ? null : `k${number}`;
    }
    return isTombstone || random.chance(0.5) ? `d${partition}-${number}` : `k${number}`;
  }

  #anyPartition(topic: ProducedTopic): number {
    return this.#random.between(0, topic.partitions.length - 1);
  }
}
