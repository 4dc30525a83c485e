import { getLogger } from '@logtape/logtape';
import type { Traffic } from '../counts/traffic.ts';
import type { Log } from '../log/log.ts';
import { Segment } from '../log/segment.ts';
import type {
  Batch,
  KafkaRecord,
  Offsets,
  RecordSource,
  TopicDescription,
} from '../ports/source.ts';
import { abortableDelay, backoff } from '../waits/abortable.ts';
import { type Block, BlockCache } from './block_cache.ts';
import { jumpedPartitions } from './jumps.ts';
import { PageCache } from './page_cache.ts';
import type { ReaderSlots, SlotHolder } from './reader_slots.ts';

const logger = getLogger(['sse-kafka', 'history']);

/** Readers of one topic, however many clients are below memory. */
const MAX_READERS = 3;
/** A reader for which nobody waits is kept so long, in case its clients come for the next part, */
const IDLE_MS = 5000;
/** and so long while others wait for a reader: a client that takes at once is back by then. */
const LINGER_MS = 25;
/** A turn: while others wait for a reader, one gives way after so many batches, */
const TURN_BATCHES = 8;
/** so many bytes, */
const TURN_BYTES = 2 ** 20;
/** or so many milliseconds, whatever comes. */
const TURN_MS = 10_000;

/** A block of which it was not looked yet which records are superseded. */
const UNCHECKED = { checkedSeq: 0, wasBelowMemory: false };

/** A client below memory, as the pool knows it. */
export class Waiter {
  readonly wake: () => void;
  /** What it asked for last: the next part of any of these partitions. */
  offsets: Offsets = new Map();
  /** When it came to the pool, as a number that counts up; 0 before. */
  order = 0;
  /** Those with whom it waits; `null` while it does not. */
  waitsIn: Set<Waiter> | null = null;

  constructor(wake: () => void) {
    this.wake = wake;
  }
}

/** Clients that wait for a reader at the same place, who share the one that they get. */
interface QueuedPlace {
  readonly partition: number;
  readonly offset: number;
  readonly waiters: Set<Waiter>;
  /** The `order` of the one that came to the pool last. */
  newest: number;
}

/** What the pool reads, and how its blocks are made. */
export interface HistoryOptions {
  readonly source: RecordSource;
  readonly topic: TopicDescription;
  readonly maxBytes: number;
  readonly traffic: Traffic;
  /** What it reads back for. */
  readonly log: Pick<Log, 'clock' | 'forgetAbsent'>;
  /** Shared with other topics. */
  readonly slots: ReaderSlots;
}

/**
 * Reads records back from Kafka for clients that lie below memory: a few readers for all of them
 * and a cache of what they read, so that a crowd at the same place reads Kafka once.
 *
 * Where clients are at more places than there are readers they take turns. By turns the one that
 * waits longest is next and the one that came to the pool last, until it has all: so nobody is left
 * out, and who comes and lacks little has it soon, however many are far behind.
 */
export class HistoryPool {
  readonly blocks: BlockCache;
  readonly pages: PageCache = new PageCache();
  readonly #options: HistoryOptions;
  readonly #closed = new AbortController();
  readonly #readers = new Set<Reader>();
  /** The places for which no reader was free, the one that waits longest first. */
  readonly #queue = new Map<string, QueuedPlace>();
  #isNewestNext = true;
  /** How many clients have come. */
  #came = 0;
  #isOpening = false;
  readonly #onFree = (): void => this.#openReaders();

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.blocks = new BlockCache(options.maxBytes);
  }

  /** Wakes the client once a block from one of these offsets on is in the cache, or none comes. */
  want(waiter: Waiter, offsets: Offsets): void {
    const name = placeName(offsets);
    const queued = this.#queue.get(name);
    // Woken by something else, it keeps its place in the queue.
    const isQueued = queued !== undefined && waiter.waitsIn === queued.waiters;
    if (!isQueued) this.leave(waiter);
    waiter.offsets = offsets;
    if (waiter.order === 0) waiter.order = ++this.#came;
    if (isQueued || this.#closed.signal.aborted) return;
    for (const reader of this.#readers) {
      if (reader.isAt(offsets)) {
        reader.serve(waiter);
        return;
      }
    }
    const place = queued ?? this.#queuePlace(name, offsets);
    place.newest = Math.max(place.newest, waiter.order);
    waiter.waitsIn = place.waiters.add(waiter);
    this.#openReaders();
  }

  /** Forgets what was asked for. */
  leave(waiter: Waiter): void {
    const waiters = waiter.waitsIn;
    waiter.waitsIn = null;
    waiters?.delete(waiter);
    if (waiters?.size !== 0) return;
    const name = placeName(waiter.offsets);
    if (this.#queue.get(name)?.waiters === waiters) this.#queue.delete(name);
  }

  close(): void {
    this.#closed.abort();
    this.#queue.clear();
    for (const reader of this.#readers) reader.close();
  }

  #queuePlace(name: string, offsets: Offsets): QueuedPlace {
    const [partition, offset] = firstOf(offsets);
    const place = { partition, offset, waiters: new Set<Waiter>(), newest: 0 };
    this.#queue.set(name, place);
    return place;
  }

  /** For those who wait, as far as there are readers. */
  #openReaders(): void {
    // Who is woken may want the next part: that is seen to here.
    if (this.#isOpening) return;
    this.#isOpening = true;
    while (this.#queue.size > 0 && this.#readers.size < MAX_READERS && this.#openNext());
    this.#isOpening = false;
    if (this.#queue.size > 0) for (const reader of this.#readers) reader.giveWay();
  }

  /** @returns false where there is no slot */
  #openNext(): boolean {
    const { slots } = this.#options;
    const [name, { partition, offset, waiters }] = this.#next();
    if (this.blocks.find(partition, offset) !== null) {
      this.#queue.delete(name);
      wakeAll(waiters);
      return true;
    }
    const { offsets } = firstOf(waiters);
    const reader: Reader = new Reader(this.#options, this.blocks, offsets, {
      isAwaited: () => this.#queue.size > 0 || slots.areAwaited,
      closed: () => {
        this.#readers.delete(reader);
        this.#openReaders();
      },
    });
    if (!slots.take(reader)) {
      slots.await(this.#onFree);
      return false;
    }
    this.#readers.add(reader);
    this.#isNewestNext = !this.#isNewestNext;
    for (const [other, place] of this.#queue) {
      if (!reader.isThere(place.partition, place.offset)) continue;
      this.#queue.delete(other);
      for (const waiter of place.waiters) reader.serve(waiter);
    }
    return true;
  }

  #next(): [name: string, place: QueuedPlace] {
    let next: [string, QueuedPlace] | null = null;
    for (const entry of this.#queue) {
      if (next === null || entry[1].newest > next[1].newest) next = entry;
      if (!this.#isNewestNext) break;
    }
    return next!;
  }
}

interface Pool {
  /** Whether somebody waits for a reader. */
  isAwaited(): boolean;
  closed(): void;
}

/** One read of Kafka, which goes on for as long as somebody waits for its next part. */
class Reader implements SlotHolder {
  readonly #options: HistoryOptions;
  readonly #blocks: BlockCache;
  readonly #pool: Pool;
  readonly #positions: Map<number, number>;
  readonly #end = new AbortController();
  #waiting = new Set<Waiter>();
  #running = false;
  /** What it has read while others wait for a reader. */
  #turnBatches = 0;
  #turnBytes = 0;
  #turnTimer: ReturnType<typeof setTimeout>;
  #failures = 0;
  #batches: AsyncIterator<Batch> | null = null;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #idleSince = 0;
  #isGivingWay = false;

  constructor(options: HistoryOptions, blocks: BlockCache, from: Offsets, pool: Pool) {
    this.#options = options;
    this.#blocks = blocks;
    this.#positions = new Map(from);
    this.#pool = pool;
    this.#turnTimer = setTimeout(() => this.#endLongTurn(), TURN_MS);
  }

  /** Whether its next part is what is asked for, in one of the partitions. */
  isAt(offsets: Offsets): boolean {
    for (const [partition, offset] of offsets) if (this.isThere(partition, offset)) return true;
    return false;
  }

  isThere(partition: number, offset: number): boolean {
    return this.#positions.get(partition) === offset && !this.#end.signal.aborted;
  }

  serve(waiter: Waiter): void {
    clearTimeout(this.#idleTimer);
    waiter.waitsIn = this.#waiting.add(waiter);
    if (!this.#running) void this.#run();
  }

  giveWay(): void {
    if (this.#running || this.#isGivingWay) return;
    this.#isGivingWay = true;
    this.#closeIn(Math.max(0, this.#idleSince + LINGER_MS - Date.now()));
  }

  close(): void {
    if (this.#end.signal.aborted) return;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#turnTimer);
    this.#end.abort();
    // Only now: until then the read holds what it needs.
    this.#endRead().then(() => this.#options.slots.release(this));
    // Before the next reader is opened: it may be theirs again.
    wakeAll(this.#takeWaiting());
    this.#pool.closed();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#isGivingWay = false;
    while (this.#waiting.size > 0 && !this.#end.signal.aborted) {
      try {
        await this.#readOne();
        this.#failures = 0;
      } catch (error) {
        if (this.#end.signal.aborted) break;
        const topic = this.#options.topic.name;
        logger.debug('Cannot read {topic} back, trying again: {error}', { topic, error });
        void this.#endRead();
        await abortableDelay(backoff(++this.#failures), this.#end.signal);
        continue;
      }
      wakeAll(this.#takeWaiting());
      this.#blocks.trim();
      if (this.#isTurnOver()) this.close();
    }
    this.#running = false;
    if (this.#end.signal.aborted) return;
    this.#idleSince = Date.now();
    if (this.#pool.isAwaited()) this.giveWay();
    else this.#closeIn(IDLE_MS);
  }

  #isTurnOver(): boolean {
    if (!this.#pool.isAwaited()) {
      this.#turnBatches = 0;
      this.#turnBytes = 0;
      return false;
    }
    return ++this.#turnBatches >= TURN_BATCHES || this.#turnBytes >= TURN_BYTES;
  }

  /** Brokers may give nothing for long, while those of another topic do. */
  #endLongTurn(): void {
    if (this.#pool.isAwaited()) this.close();
    else this.#turnTimer = setTimeout(() => this.#endLongTurn(), TURN_MS);
  }

  #closeIn(milliseconds: number): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.close(), milliseconds);
  }

  /** A read that is left where it stands would hold its connection for ever. */
  async #endRead(): Promise<void> {
    const batches = this.#batches;
    this.#batches = null;
    await batches?.return?.().catch(() => {});
  }

  async #readOne(): Promise<void> {
    const { source, topic } = this.#options;
    const { signal } = this.#end;
    this.#batches ??= source.read(topic, new Map(this.#positions), signal)[Symbol.asyncIterator]();
    const { done, value: batch } = await this.#batches.next();
    if (done) {
      this.#batches = null;
      if (!signal.aborted) throw new Error('the read ended');
      return;
    }
    const next = (partition: number): number => this.#positions.get(partition)!;
    const jumped = jumpedPartitions(batch, next);
    const lows =
      jumped.length === 0
        ? new Map<number, number>()
        : await source.offsets(topic.name, jumped, 'earliest', signal);
    if (!signal.aborted) this.#keep(batch, lows);
  }

  /** Cuts a batch into blocks, one a partition, and one for what is lost before a record. */
  #keep(batch: Batch, lows: Offsets): void {
    this.#options.traffic.recordsReadBack += batch.records.length;
    const runs = new Map<number, KafkaRecord[]>();
    for (const record of batch.records) {
      const run = runs.get(record.partition) ?? [];
      runs.set(record.partition, run);
      const last = run.at(-1);
      const expected =
        last === undefined ? this.#positions.get(record.partition)! : last.offset + 1;
      const low = lows.get(record.partition) ?? 0;
      if (low > expected && record.offset > expected) {
        this.#addBlock(record.partition, run.splice(0), expected);
        this.#addLost(record.partition, Math.min(low, record.offset));
      }
      run.push(record);
    }
    for (const [partition, position] of batch.positions) {
      const run = runs.get(partition) ?? [];
      const low = lows.get(partition) ?? 0;
      const last = run.at(-1);
      const expected = last === undefined ? this.#positions.get(partition)! : last.offset + 1;
      if (low > expected && position > expected) {
        this.#addBlock(partition, run.splice(0), expected);
        this.#addLost(partition, Math.min(low, position));
      }
      this.#addBlock(partition, run, position);
    }
  }

  #addBlock(partition: number, records: readonly KafkaRecord[], next: number): void {
    const from = this.#positions.get(partition)!;
    if (next <= from) return;
    const { log, source } = this.#options;
    const { name, id, partitions } = this.#options.topic;
    const bytes = records.reduce((sum, { key, value }) => sum + size(key) + size(value), 0);
    this.#turnBytes += bytes;
    const segment = new Segment({
      topic: name,
      topicId: id,
      // Of a single partition the ids are the same for all clients.
      start: partitions === 1 ? Float64Array.of(from) : null,
      clock: log.clock,
      values: source.values,
      firstSeq: 0,
      capacity: bytes,
    });
    log.forgetAbsent(partition, from, next, records);
    records.forEach((record, seq) => {
      segment.append(seq, record);
    });
    this.#add({ partition, from, next, segment, ...UNCHECKED });
  }

  #addLost(partition: number, next: number): void {
    const from = this.#positions.get(partition)!;
    if (next > from) this.#add({ partition, from, next, segment: null, ...UNCHECKED });
  }

  #add(block: Block): void {
    this.#blocks.add(block);
    this.#positions.set(block.partition, block.next);
  }

  #takeWaiting(): Set<Waiter> {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    return waiting;
  }
}

function wakeAll(waiters: ReadonlySet<Waiter>): void {
  for (const waiter of waiters) waiter.waitsIn = null;
  for (const { wake } of waiters) wake();
}

/** Clients that lack the same part of the first partition are at the same place. */
function placeName(offsets: Offsets): string {
  return firstOf(offsets).join(':');
}

/** Of what holds at least one. */
function firstOf<T>(all: Iterable<T>): T {
  const [first] = all;
  return first!;
}

function size(bytes: Uint8Array | null): number {
  return bytes?.length ?? 0;
}
