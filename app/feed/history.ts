import { PAGE_BYTES } from './alignment.ts';
import type { Block } from './block_cache.ts';
import { ByteWriter } from './byte_writer.ts';
import { LIVE } from './columns.ts';
import { writeId } from './frame.ts';
import { gapFrame } from './gap.ts';
import { Waiter } from './history_pool.ts';
import type { Log } from './log.ts';
import { moveOn } from './opening.ts';
import type { Place, Positions, UnknownPartitions } from './place.ts';
import { resume } from './resume.ts';
import type { Segment } from './segment.ts';
import { cut } from './slice.ts';
import type { Route, Stretch } from './stretch.ts';

/** One for all: a page is put together and copied out within one call. */
const page = new ByteWriter(PAGE_BYTES * 2);
/** Records in it that are more than an id. */
let pageEvents = 0;

/**
 * The client lies below the log in memory: records are read back from Kafka, with ids made from
 * its own cursor. It ends when the client is at or above memory's start in every partition; until
 * then memory may move on as it likes.
 */
export class History implements Stretch {
  readonly #route: Route;
  readonly #log: Log;
  readonly #positions: Positions;
  readonly #unknown: UnknownPartitions;
  readonly #waiter: Waiter;
  /** Whether the page says that records are lost: to some clients that is no loss. */
  #tellsOfLoss = false;

  constructor(route: Route, log: Log, place: Place) {
    this.#route = route;
    this.#log = log;
    this.#positions = place.positions;
    this.#unknown = place.unknown;
    this.#waiter = new Waiter(() => route.subscription.wake());
  }

  place(): Place {
    const { topicId } = this.#log;
    return { topicId, positions: this.#positions, unknown: this.#unknown };
  }

  close(): void {
    this.#route.feed.history.leave(this.#waiter);
  }

  take(): Uint8Array | Stretch | null {
    if (this.#log.successor !== null) return moveOn(this.#route, this.#log, this.place());
    const wereAdded = this.#positions.length < this.#log.start.length;
    if (wereAdded || this.#log.covers(this.#positions)) return this.#goOn();
    const others = this.#pageOfOthers();
    if (others !== null) return others;
    const from = this.#positions.slice();
    page.clear();
    pageEvents = 0;
    this.#tellsOfLoss = false;
    const { history } = this.#route.feed;
    const lacking = new Map<number, number>();
    for (const partition of this.#lagging()) {
      while (page.length < PAGE_BYTES && this.#lags(partition)) {
        const block = history.blocks.find(partition, this.#positions[partition]!);
        if (block === null) {
          lacking.set(partition, this.#positions[partition]!);
          break;
        }
        const { segment } = block;
        if (segment === null || !this.#sharesIds(segment)) this.#pass(block);
        else if (page.length > 0) return this.#finish(from);
        else {
          const bytes = this.#slice(block, segment);
          if (bytes !== null) return bytes;
        }
      }
    }
    if (page.length > 0) return this.#finish(from);
    if (this.#log.covers(this.#positions)) return this.#goOn();
    history.want(this.#waiter, lacking);
    return null;
  }

  /** The page that another client got at this place. */
  #pageOfOthers(): Uint8Array | null {
    if (this.#unknown.length > 0) return null;
    const { feed, format } = this.#route;
    const known = feed.history.pages.find(format, this.#positions, this.#logSeq());
    if (known === null) return null;
    this.#positions.set(known.to);
    feed.traffic.eventsSent += known.events;
    return known.bytes;
  }

  /** @param from where the client stood before the page */
  #finish(from: Positions): Uint8Array {
    const bytes = page.copy();
    const events = pageEvents;
    const { feed, format } = this.#route;
    feed.traffic.eventsSent += events;
    if (this.#unknown.length > 0 || this.#tellsOfLoss) return bytes;
    const to = this.#positions.slice();
    feed.history.pages.add({ format, from, to, bytes, events, logSeq: this.#logSeq() });
    return bytes;
  }

  /** On a topic that is not compacted nothing is superseded. */
  #logSeq(): number {
    return this.#log.keys === null ? 0 : this.#log.nextSeq;
  }

  #goOn(): Stretch {
    this.close();
    return resume(this.#route, this.#log, this.place());
  }

  #lags(partition: number): boolean {
    return this.#positions[partition]! < (this.#log.start[partition] ?? 0);
  }

  *#lagging(): Iterable<number> {
    for (let partition = 0; partition < this.#log.start.length; partition++) {
      if (this.#lags(partition)) yield partition;
    }
  }

  /** Whether the ids that the blocks of a segment have are the client's own. */
  #sharesIds({ origin }: Segment): boolean {
    return origin.length === 1 && this.#positions.length === 1 && this.#unknown.length === 0;
  }

  /** Once for all clients, and again only when something may have been superseded since. */
  #dropSuperseded(block: Block, segment: Segment): void {
    const { keys, start, nextSeq, supersededSeq } = this.#log;
    if (keys === null || block.checkedSeq >= (block.wasBelowMemory ? supersededSeq : nextSeq))
      return;
    for (let at = 0; at < segment.count; at++) {
      if (segment.states[at] === LIVE && !this.#log.isLatest(segment, at)) segment.kill(at);
    }
    block.checkedSeq = nextSeq;
    block.wasBelowMemory = block.next <= start[block.partition]!;
  }

  /** The next part of a block, the same bytes for all clients; `null` where nothing is left of it. */
  #slice(block: Block, segment: Segment): Uint8Array | null {
    const { next, partition } = block;
    this.#dropSuperseded(block, segment);
    const encoding = this.#route.feed.history.blocks.encode(block, segment, this.#route.format);
    const slice = cut(segment, encoding, firstFrom(segment, this.#positions[partition]!));
    const isLast = slice === null || slice.nextSeq === segment.count;
    this.#positions[partition] = isLast ? next : segment.offsets[slice.nextSeq - 1]! + 1;
    if (slice === null) return null;
    this.#route.feed.traffic.sendSlice(slice, false);
    return slice.bytes;
  }

  /** Takes from a block until the page is full. */
  #pass(block: Block): void {
    const { partition, next, segment } = block;
    if (segment === null) {
      this.#passLost(partition, next);
      return;
    }
    this.#dropSuperseded(block, segment);
    const { out, ends, lineEnds } = this.#route.feed.history.blocks.encode(
      block,
      segment,
      this.#route.format,
    );
    let at = firstFrom(segment, this.#positions[partition]!);
    for (; at < segment.count && page.length < PAGE_BYTES; at++) {
      this.#positions[partition] = segment.offsets[at]! + 1;
      if (segment.states[at] !== LIVE) continue;
      const begin = at === 0 ? 0 : ends[at - 1]!;
      page.bytes(out.view(begin, lineEnds[at]!));
      if (lineEnds[at]! > begin) pageEvents++;
      writeId(page, this.place());
    }
    if (at === segment.count) this.#positions[partition] = next;
  }

  #passLost(partition: number, to: number): void {
    const from = this.#positions[partition]!;
    this.#positions[partition] = to;
    this.#tellsOfLoss = true;
    const { feed, subscription } = this.#route;
    if (page.length === 0 && subscription.untouched[partition] === 1) return;
    const { topic, traffic } = feed;
    const gap = { reason: 'retention', topic, partitions: [{ partition, from, to }] } as const;
    traffic.sendGap(gap.reason);
    page.bytes(gapFrame(gap, this.place()));
  }
}

function firstFrom(segment: Segment, offset: number): number {
  let low = 0;
  let high = segment.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segment.offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
