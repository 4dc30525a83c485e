import { ByteWriter } from './byte_writer.ts';
import { GAP, LIVE } from './columns.ts';
import { writeId } from './frame.ts';
import { gapFrame } from './gap.ts';
import type { Log } from './log.ts';
import { moveOn } from './opening.ts';
import type { Place, Positions, UnknownPartitions } from './place.ts';
import { resume } from './resume.ts';
import type { Segment } from './segment.ts';
import { Shared } from './shared.ts';
import type { Route, Stretch } from './stretch.ts';

/** Bytes of a page that is put together for one client, unless one block is larger. */
export const PAGE_BYTES: number = 32 * 1024;

/** One for all: a page is put together and copied out within one call. */
const page = new ByteWriter(PAGE_BYTES * 2);

/**
 * The log holds records that the client has and records that it lacks, mixed, because another
 * gateway, or Kafka itself, merged the partitions in another order. Those it has are skipped; ids
 * are its own: the greater of its cursor and the feed's, partition by partition.
 */
export class Alignment implements Stretch {
  readonly #route: Route;
  readonly #log: Log;
  readonly #positions: Positions;
  readonly #unknown: UnknownPartitions;
  #segment!: Segment;
  #seq: number;
  /** The feed's cursor at `#seq`, and in how many partitions the client is ahead of it. */
  #feed!: Positions;
  #ahead = 0;

  /** `log.covers(place.positions)` must hold. */
  constructor(route: Route, log: Log, place: Place) {
    this.#route = route;
    this.#log = log;
    this.#positions = place.positions;
    this.#unknown = place.unknown;
    this.#seq = log.seqOf(place.positions);
    this.#enter(log.locate(this.#seq)!);
  }

  place(): Place {
    const { topicId } = this.#log;
    return { topicId, positions: this.#positions, unknown: this.#unknown };
  }

  take(): Uint8Array | Stretch | null {
    if (this.#log.successor !== null) return moveOn(this.#route, this.#log, this.place());
    const wereAdded = this.#positions.length < this.#log.start.length;
    if (this.#segment.gone || wereAdded) {
      return resume(this.#route, this.#log, this.place());
    }
    page.clear();
    while (page.length < PAGE_BYTES && this.#advance());
    if (page.length > 0) return page.copy();
    this.#route.subscription.isAhead = this.#ahead > 0;
    if (this.#isAligned()) return new Shared(this.#route, this.#log, this.#seq);
    return this.#liesBeyond() ? moveOn(this.#route, this.#log, this.place()) : null;
  }

  /** Whether it is ahead of the feed and of an end that was seen since: the log may have been cut. */
  #liesBeyond(): boolean {
    const { ends } = this.#route.feed;
    return this.#positions.some((offset, partition) => {
      const end = ends.get(partition) ?? offset;
      return offset > Math.max(this.#log.positions[partition]!, end);
    });
  }

  /** Passes one place of the log. @returns false at its end, and where the client is aligned. */
  #advance(): boolean {
    if (this.#segment.nextSeq <= this.#seq) {
      const segment = this.#log.locate(this.#seq);
      if (segment === null || segment === this.#segment) return false;
      this.#enter(segment);
      if (segment.nextSeq <= this.#seq) return false;
    }
    if (this.#isAligned()) return false;
    const segment = this.#segment;
    const at = segment.placeOf(this.#seq);
    const partition = segment.partitions[at]!;
    const offset = segment.offsets[at]!;
    const next = segment.nextAt(at);
    this.#seq = segment.seqs[at]! + 1;
    const mine = this.#positions[partition]!;
    if (this.#feed[partition]! < mine && next >= mine) this.#ahead--;
    this.#feed[partition] = next;
    this.#positions[partition] = Math.max(mine, next);
    if (offset < mine) return true;
    if (segment.states[at] === LIVE) {
      this.#writeRecord(segment, at);
    } else if (segment.states[at] === GAP) this.#writeGap(partition, mine, offset + 1);
    return true;
  }

  #enter(segment: Segment): void {
    this.#segment = segment;
    // Places before it were squeezed out.
    this.#seq = Math.max(this.#seq, segment.firstSeq);
    const { start } = segment;
    this.#feed = start.slice();
    this.#ahead = 0;
    for (let partition = 0; partition < start.length; partition++) {
      // What a squeezed segment has lost was superseded.
      if (this.#positions[partition]! < start[partition]!) {
        this.#positions[partition] = start[partition]!;
      } else if (this.#positions[partition]! > start[partition]!) {
        this.#ahead++;
      }
    }
  }

  #writeRecord(segment: Segment, at: number): void {
    const { out, ends, lineEnds } = this.#log.encode(segment, this.#route.format);
    const begin = at === 0 ? 0 : ends[at - 1]!;
    page.bytes(out.view(begin, lineEnds[at]!));
    if (lineEnds[at]! > begin) this.#route.feed.traffic.eventsSent++;
    writeId(page, this.place());
  }

  #writeGap(partition: number, from: number, to: number): void {
    const { feed, subscription } = this.#route;
    if (page.length === 0 && subscription.untouched[partition] === 1) return;
    const { topic, traffic } = feed;
    const gap = { reason: 'retention', topic, partitions: [{ partition, from, to }] } as const;
    traffic.sendGap(gap.reason);
    page.bytes(gapFrame(gap, this.place()));
  }

  /**
   * Ids of a segment from before a partition was added do not name it, and gaps that lie ahead are
   * told to all who stand where all ids are the same.
   */
  #isAligned(): boolean {
    const { untouched } = this.#route.subscription;
    if (this.#seq <= this.#log.lastGapSeq && untouched.includes(1)) return false;
    const namesAll = this.#segment.start.length === this.#positions.length;
    return this.#ahead === 0 && this.#unknown.length === 0 && namesAll;
  }
}
