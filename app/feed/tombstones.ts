import type { ReaderSlots } from '../history/reader_slots.ts';
import type { ForgottenDelete, KeyIndex } from '../log/key_index.ts';
import type { RecordSource, TopicDescription } from '../ports/source.ts';
import { abortableDelay } from '../waits/abortable.ts';
import type { Positions } from '../wire/place.ts';

/** Sweeps are at least so far apart, in milliseconds, */
const MIN_PAUSE_MS = 30_000;
/** and so many times as long as the last one took: reading a topic back is work for the brokers. */
const PAUSE_FACTOR = 20;

/** The log of which the deletes are, and its end. */
interface SweptLog {
  readonly nextSeq: number;
  readonly positions: Positions;
  forget(forgotten: readonly ForgottenDelete[]): void;
}

/** The end of the log at a time. */
interface Mark {
  readonly time: number;
  readonly seq: number;
  readonly positions: Positions;
}

/**
 * Makes the index of keys forget the deletes that Kafka has dropped, so that it does not grow for
 * ever.
 *
 * Kafka may drop a delete `delete.retention.ms` after it was written, and does when its cleaner
 * comes by, which can be days later; until then a client that comes back must still get it. So those that
 * were read so long ago are looked for in Kafka, and only those that are gone are forgotten. Their
 * own timestamps say nothing: a producer may write any.
 *
 * The index itself is the list of deletes: what stands here does not grow with their number.
 */
export class Tombstones {
  readonly #keys: KeyIndex;
  /** No delete that the index knows lies below. */
  readonly #from: number[];
  /** What was read before this may be gone. */
  #old: Mark | null = null;
  /** Becomes the old one in time. */
  #young: Mark | null = null;
  /** Whether there may be any before the old mark. */
  #isDue = false;
  #nextSweep = 0;

  /** @param start where the reading of the log began */
  constructor(keys: KeyIndex, start: Positions) {
    this.#keys = keys;
    this.#from = [...start];
  }

  /** To be called now and then: looks for old deletes in Kafka when it is time. */
  async sweep(
    source: RecordSource,
    topic: TopicDescription,
    log: SweptLog,
    slots: ReaderSlots,
    signal: AbortSignal,
  ): Promise<void> {
    const begin = Date.now();
    this.#mark(begin, log, topic.deleteRetentionMs ?? Number.POSITIVE_INFINITY);
    if (!this.#isDue || begin < this.#nextSweep || this.#keys.deletes === 0) return;
    const holder = { giveWay: () => {} };
    if (!slots.take(holder)) return;
    this.#nextSweep = Number.POSITIVE_INFINITY;
    try {
      await this.#sweepTo(this.#old!, source, topic, log, signal);
    } finally {
      slots.release(holder);
      this.#nextSweep = Date.now() + Math.max(MIN_PAUSE_MS, (Date.now() - begin) * PAUSE_FACTOR);
    }
  }

  #mark(time: number, { nextSeq, positions }: SweptLog, retentionMs: number): void {
    if (this.#young !== null && time - this.#young.time < retentionMs) return;
    this.#old = this.#young;
    this.#isDue ||= this.#old !== null;
    this.#young = { time, seq: nextSeq, positions: positions.slice() };
  }

  async #sweepTo(
    old: Mark,
    source: RecordSource,
    topic: TopicDescription,
    log: SweptLog,
    signal: AbortSignal,
  ): Promise<void> {
    this.#keys.beginSweep();
    const lowest = await this.#see(old.positions, source, topic, signal);
    for (const forgotten of this.#keys.forgetUnseen(old.seq)) {
      log.forget(forgotten);
      // A turn of its own for each step: with millions of keys all of them take long.
      await abortableDelay(0, signal);
      if (signal.aborted) return;
    }
    for (const [partition, end] of old.positions.entries()) {
      this.#from[partition] = lowest.get(partition) ?? end;
    }
    this.#isDue = lowest.size > 0 || this.#old !== old;
  }

  /** Reads the topic up to `ends`. @returns the lowest offset of a delete that is still there */
  async #see(
    ends: Positions,
    source: RecordSource,
    topic: TopicDescription,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    const from = new Map<number, number>();
    for (const [partition, end] of ends.entries()) {
      const begin = this.#from[partition] ?? 0;
      if (begin < end) from.set(partition, begin);
    }
    const left = new Set(from.keys());
    const lowest = new Map<number, number>();
    if (left.size === 0) return lowest;
    for await (const { records, positions } of source.read(topic, from, signal)) {
      for (const { partition, offset, key, value } of records) {
        if (key === null || value !== null || offset >= ends[partition]!) continue;
        const isLatest = this.#keys.see(partition, key, offset);
        if (isLatest && !lowest.has(partition)) lowest.set(partition, offset);
      }
      for (const [partition, next] of positions)
        if (next >= ends[partition]!) left.delete(partition);
      if (left.size === 0) return lowest;
    }
    throw new Error(`the search for deletes of ${topic.name} was cut short`);
  }
}
