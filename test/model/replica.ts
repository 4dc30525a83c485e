import { Compression } from '../../app/compression/compression.ts';
import { Feed } from '../../app/feed/feed.ts';
import { ReaderSlots, type SharedReaders } from '../../app/history/reader_slots.ts';
import { Turns } from '../../app/stretches/turns.ts';
import { ZLIB } from '../../runtime/process/zlib_compressor.ts';
import type { SimulatedSource } from './simulated_source.ts';
import type { GuardedStream, StreamsFile } from './stream_guards.ts';

interface ReplicaLimits {
  readonly maxBytes: number;
  readonly maxReaders: number;
  /** Records that filters look at in one turn. */
  readonly turnRecords: number;
  /** Changes that are kept of what guards let through. */
  readonly maxChanges?: number;
  /** Left out: topics alone. */
  readonly file?: StreamsFile;
}

/** One gateway: its feed reads the topic through a source of its own. */
export class Replica {
  readonly name: string;
  /** What the process that runs now reads through, or the last one did. */
  source: SimulatedSource;
  /** Those of all processes. */
  readonly sources: SimulatedSource[];
  /** `null` while the gateway does not run. */
  feed: Feed | null = null;
  readonly compression: Compression = new Compression(ZLIB);
  readonly #makeSource: () => SimulatedSource;
  readonly #topicName: string;
  readonly #maxBytes: number;
  readonly #turnRecords: number;
  readonly #maxChanges: number;
  readonly #file: StreamsFile | null;
  readonly #readers: SharedReaders;
  #isClosed = false;
  #end = new AbortController();
  /** Gateways of this name that have not ended yet. */
  readonly #running = new Set<Promise<void>>();

  constructor(
    name: string,
    makeSource: () => SimulatedSource,
    topicName: string,
    { maxBytes, maxReaders, turnRecords, maxChanges = 10_000, file }: ReplicaLimits,
  ) {
    this.name = name;
    this.#makeSource = makeSource;
    this.source = makeSource();
    this.sources = [this.source];
    this.#topicName = topicName;
    this.#maxBytes = maxBytes;
    this.#turnRecords = turnRecords;
    this.#maxChanges = maxChanges;
    this.#file = file ?? null;
    this.#readers = { history: new ReaderSlots(maxReaders), sweeps: new ReaderSlots(1) };
  }

  /** What of the topic it has read; `null` while it is not loaded. */
  readUpTo(): Float64Array | null {
    return this.feed?.loadedLog?.positions.slice() ?? null;
  }

  /**
   * Since when it knows by all means what came into and went out of a stream, Unix milliseconds; `null` where it
   * may not.
   */
  knowsSince({ isKept, after }: GuardedStream): number | null {
    const { clock, guards } = this.feed?.loadedLog ?? {};
    const isSure = isKept && after === null && this.#maxChanges > 1000;
    return isSure && clock && guards ? clock.loadedAt : null;
  }

  start(): void {
    if (this.#isClosed || this.feed !== null) return;
    this.source = this.#makeSource();
    this.sources.push(this.source);
    this.#end = new AbortController();
    const feed = new Feed(this.#topicName, this.source, this.#maxBytes, this.#readers, {
      turns: new Turns(this.#turnRecords),
      maxChanges: this.#maxChanges,
    });
    if (this.#file !== null) feed.keepGuards(this.#file.kept);
    this.feed = feed;
    const running = feed.run(this.#end.signal);
    this.#running.add(running);
    running.finally(() => this.#running.delete(running));
  }

  stop(): void {
    this.feed = null;
    this.#end.abort();
  }

  /** It does not start again. */
  close(): void {
    this.#isClosed = true;
    this.stop();
  }

  get hasEnded(): boolean {
    return this.#running.size === 0 && this.sources.every(({ openReads }) => openReads === 0);
  }
}
