/**
 * The port to Kafka. An adapter over one Kafka client implements it (`runtime/kafka/`), the feed
 * reads through it; nothing here knows a client or a runtime.
 *
 * @module
 */

import type { ValueReader } from './values.ts';

/** One record as Kafka has it. Bytes are owned by the receiver. */
export interface KafkaRecord {
  readonly partition: number;
  readonly offset: number;
  /** Unix milliseconds; -1 where the producer gave none. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  /** `null` is a tombstone; an empty array is an empty value. */
  readonly value: Uint8Array | null;
  /** In the record's order, names may repeat. */
  readonly headers: readonly Header[];
}

/** Name and value of one record header. */
export type Header = readonly [name: string, value: Uint8Array | null];

/**
 * What one read brought: records in order within each partition, and where the next fetch goes.
 *
 * `positions` names every partition that moved, past the last record and past what holds none
 * (transaction markers, aborted and compacted records), so that a position is never behind only
 * because of a hole.
 */
export interface Batch {
  readonly records: readonly KafkaRecord[];
  readonly positions: ReadonlyMap<number, number>;
}

/** One of the topics that had its name one after the other. */
export interface TopicIdentity {
  readonly name: string;
  /** The first four bytes of the topic's id; zeros where the brokers give none. */
  readonly id: Uint8Array;
}

/** What the brokers say of a topic. */
export interface TopicDescription extends TopicIdentity {
  /** Partitions are numbered from 0 to this, less one. */
  readonly partitions: number;
  /** Whether `cleanup.policy` contains `compact`; false without the right to read it. */
  readonly compacted: boolean;
  /** Whether `cleanup.policy` contains `delete`. */
  readonly deletes: boolean;
  /** `delete.retention.ms`; null where it is not known. */
  readonly deleteRetentionMs: number | null;
}

/** `earliest` is the log start, `latest` the last stable offset; a number is Unix milliseconds. */
export type OffsetSpec = 'earliest' | 'latest' | number;

/** Offsets by partition. */
export type Offsets = ReadonlyMap<number, number>;

/** Whether the brokers answer, and their last error in words where they do not. */
export interface BrokerStatus {
  readonly up: boolean;
  readonly error: string | null;
}

/** What Kafka is asked of a topic beside its records. */
export interface TopicQuestions {
  /**
   * The topic as the brokers know it now, `null` when it does not exist.
   * @throws when the brokers cannot be asked.
   */
  describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null>;

  /**
   * Offsets of the given partitions, asked of Kafka now. For a time: the first record with that
   * timestamp or a later one; a partition that has none is left out.
   * @throws when the brokers cannot be asked.
   */
  offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets>;
}

/** Reads from Kafka without joining a group and without committing anything. */
export interface RecordSource extends TopicQuestions {
  /**
   * The same over connections of their own, for what clients want to know: however many they are,
   * neither reading nor what the feed itself asks waits behind them.
   */
  readonly forClients: TopicQuestions;
  /** Reads the values of its records; left out: they are shown as they are. */
  readonly values?: ValueReader;

  /**
   * Committed records of the partitions in `from`, each from its offset, for as long as the
   * caller iterates. While the brokers are down it waits. It ends when `signal` aborts, within a
   * second. An offset below the log start goes on at the start without a word: who reads compares
   * with `offsets(…, 'earliest')` after a jump.
   * @throws when the topic is not the one with that id any more, before any record of another.
   */
  read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncIterable<Batch>;

  /** Whether the brokers answer now. */
  status(): BrokerStatus;

  /** Lets go of every connection; reads under way end. */
  close(): Promise<void>;
}
