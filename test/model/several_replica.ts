import { Compression } from '../../app/compression/compression.ts';
import { zeros } from '../../app/counts/counters.ts';
import { StreamCounts } from '../../app/counts/stream_counts.ts';
import type { Traffic } from '../../app/counts/traffic.ts';
import { MergedLogs } from '../../app/several/merged_logs.ts';
import { GAP_REASONS } from '../../app/wire/gap.ts';
import { ZLIB } from '../../runtime/process/zlib_compressor.ts';
import type { Replica } from './replica.ts';
import type { VirtualClock } from './virtual_clock.ts';

/** One gateway of several topics: what it has of each, and what it merges. */
export class SeveralReplica {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly compression: Compression = new Compression(ZLIB);
  readonly streams: StreamCounts = new StreamCounts();
  merged: MergedLogs = new MergedLogs(this.streams.merges);
  #counted = new Counted();
  readonly #parts: ReadonlyMap<string, Replica>;

  /** @param parts by topic */
  constructor(name: string, clock: VirtualClock, parts: ReadonlyMap<string, Replica>) {
    this.name = name;
    this.clock = clock;
    this.#parts = parts;
  }

  part(topic: string): Replica {
    return this.#parts.get(topic)!;
  }

  get parts(): readonly Replica[] {
    return [...this.#parts.values()];
  }

  get isRunning(): boolean {
    return this.parts.every(({ feed }) => feed !== null);
  }

  /** It begins anew, with nothing merged yet. */
  begin(): void {
    this.merged = new MergedLogs(this.streams.merges);
    this.#counted = new Counted();
  }

  /** What all its topics count together; to be asked while it runs. */
  get counted(): Counted {
    for (const { feed } of this.parts) this.#counted.add(feed!.traffic);
    return this.#counted;
  }
}

/** What the topics of one gateway count, from its start to its end. */
class Counted {
  readonly #traffics = new Set<Traffic>();

  add(traffic: Traffic): void {
    this.#traffics.add(traffic);
  }

  get eventsSent(): number {
    return [...this.#traffics].reduce((sum, { eventsSent }) => sum + eventsSent, 0);
  }

  get gapsSent(): Traffic['gapsSent'] {
    const sums = zeros(GAP_REASONS);
    for (const { gapsSent } of this.#traffics) {
      for (const reason of GAP_REASONS) sums[reason] += gapsSent[reason];
    }
    return sums;
  }
}
