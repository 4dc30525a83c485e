import { getLogger } from '@logtape/logtape';
import { abortableDelay, backoff } from '../abortable.ts';
import type { Batch, KafkaRecord, Offsets, RecordSource, TopicDescription } from '../source.ts';
import { type Block, BlockCache } from './block_cache.ts';
import { jumpedPartitions } from './jumps.ts';
import { PageCache } from './page_cache.ts';
import { Segment } from './segment.ts';
import type { Traffic } from './traffic.ts';

const logger = getLogger(['sse-kafka', 'history']);

/** Readers of one topic, however many clients are below memory. */
const MAX_READERS = 3;
/** A reader for which nobody waits is kept so long, in case its clients come for the next part. */
const IDLE_MS = 5000;
/** Batches that a reader may read on end while others wait for a reader. */
const MAX_TURN = 64;

/** What a client below memory asks for: the next part of any of these partitions. */
interface Want {
  readonly offsets: Offsets;
  readonly wake: () => void;
}

/** What the pool reads, and how its blocks are made. */
export interface HistoryOptions {
  readonly source: RecordSource;
  readonly topic: TopicDescription;
  readonly maxBytes: number;
  readonly traffic: Traffic;
}

/**
 * Reads records back from Kafka for clients that lie below memory: a few readers for all of them
 * and a cache of what they read, so that a crowd at the same place reads Kafka once.
 */
export class HistoryPool {
  readonly blocks: BlockCache;
  readonly pages: PageCache = new PageCache();
  readonly #options: HistoryOptions;
  readonly #closed = new AbortController();
  readonly #readers = new Set<Reader>();
  /** Those for whom no reader was free; each client is here once at the most. */
  #queue: Want[] = [];

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.blocks = new BlockCache(options.maxBytes);
  }

  /** Wakes the client once a block from one of these offsets on is in the cache, or none comes. */
  want(want: Want): void {
    for (const reader of this.#readers) {
      if (reader.isAt(want.offsets)) {
        reader.serve(want);
        return;
      }
    }
    if (this.#readers.size >= MAX_READERS) {
      // Those whom this wakes may take its place.
      [...this.#readers].find((reader) => reader.isIdle)?.close();
    }
    if (this.#readers.size < MAX_READERS) this.#open(want);
    else if (!this.#queue.some(({ wake }) => wake === want.wake)) this.#queue.push(want);
  }

  close(): void {
    this.#closed.abort();
    for (const reader of this.#readers) reader.close();
    this.#queue = [];
  }

  #open(want: Want): void {
    if (this.#closed.signal.aborted) return;
    const reader = new Reader(this.#options, this.blocks, want.offsets, {
      isAwaited: () => this.#queue.length > 0,
      closed: () => {
        this.#readers.delete(reader);
        // All of them: those who are at the same place share the reader that the first one gets.
        const queue = this.#queue;
        this.#queue = [];
        for (const { wake } of queue) wake();
      },
    });
    this.#readers.add(reader);
    reader.serve(want);
  }
}

interface Pool {
  /** Whether somebody waits for a reader. */
  isAwaited(): boolean;
  closed(): void;
}

/** One read of Kafka, which goes on for as long as somebody waits for its next part. */
class Reader {
  readonly #options: HistoryOptions;
  readonly #blocks: BlockCache;
  readonly #pool: Pool;
  readonly #positions: Map<number, number>;
  readonly #end = new AbortController();
  #waiting = new Set<() => void>();
  #running = false;
  #turn = 0;
  #failures = 0;
  #batches: AsyncIterator<Batch> | null = null;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HistoryOptions, blocks: BlockCache, from: Offsets, pool: Pool) {
    this.#options = options;
    this.#blocks = blocks;
    this.#positions = new Map(from);
    this.#pool = pool;
  }

  get isIdle(): boolean {
    return !this.#running && this.#waiting.size === 0;
  }

  /** Whether its next part is what is asked for, in one of the partitions. */
  isAt(offsets: Offsets): boolean {
    if (this.#end.signal.aborted) return false;
    for (const [partition, offset] of offsets) {
      if (this.#positions.get(partition) === offset) return true;
    }
    return false;
  }

  serve({ wake }: Want): void {
    clearTimeout(this.#idleTimer);
    this.#waiting.add(wake);
    if (!this.#running) void this.#run();
  }

  close(): void {
    if (this.#end.signal.aborted) return;
    clearTimeout(this.#idleTimer);
    this.#end.abort();
    this.#endRead();
    this.#pool.closed();
    this.#wakeAll();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.size > 0 && !this.#end.signal.aborted) {
      try {
        await this.#readOne();
        this.#failures = 0;
      } catch (error) {
        if (this.#end.signal.aborted) break;
        const topic = this.#options.topic.name;
        logger.debug('Cannot read {topic} back, trying again: {error}', { topic, error });
        this.#endRead();
        await abortableDelay(backoff(++this.#failures), this.#end.signal);
        continue;
      }
      this.#wakeAll();
      this.#blocks.trim();
      if (this.#pool.isAwaited() && (this.#waiting.size === 0 || ++this.#turn >= MAX_TURN)) {
        this.close();
      }
    }
    this.#running = false;
    if (!this.#end.signal.aborted) this.#idleTimer = setTimeout(() => this.close(), IDLE_MS);
  }

  /** A read that is left where it stands would hold its connection for ever. */
  #endRead(): void {
    const batches = this.#batches;
    this.#batches = null;
    batches?.return?.().catch(() => {});
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
    const { name, id, partitions } = this.#options.topic;
    const bytes = records.reduce((sum, { key, value }) => sum + size(key) + size(value), 0);
    const segment = new Segment({
      topic: name,
      topicId: id,
      // Of a single partition the ids are the same for all clients.
      start: partitions === 1 ? Float64Array.of(from) : null,
      firstSeq: 0,
      capacity: bytes,
    });
    records.forEach((record, seq) => {
      segment.append(seq, record);
    });
    this.#add({ partition, from, next, segment, checkedSeq: 0 });
  }

  #addLost(partition: number, next: number): void {
    const from = this.#positions.get(partition)!;
    if (next > from) this.#add({ partition, from, next, segment: null, checkedSeq: 0 });
  }

  #add(block: Block): void {
    this.#blocks.add(block);
    this.#positions.set(block.partition, block.next);
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}

function size(bytes: Uint8Array | null): number {
  return bytes?.length ?? 0;
}
