import { PAGE_BYTES } from './alignment.ts';
import type { Block } from './block_cache.ts';
import { ByteWriter } from './byte_writer.ts';
import { type Positions, type UnknownPartitions, writeCursor } from './cursor.ts';
import { writeId } from './frame.ts';
import { gapFrame } from './gap.ts';
import type { Log } from './log.ts';
import { moveOn } from './opening.ts';
import { resume } from './resume.ts';
import type { Segment } from './segment.ts';
import type { Place, Route, Stretch } from './stretch.ts';

/** One for all: a page is put together and copied out within one call. */
const page = new ByteWriter(PAGE_BYTES * 2);

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
  readonly #wake: () => void;

  constructor(route: Route, log: Log, place: Place) {
    this.#route = route;
    this.#log = log;
    this.#positions = place.positions;
    this.#unknown = place.unknown;
    this.#wake = () => route.subscription.wake();
  }

  place(): Place {
    const { topicId } = this.#log;
    return { topicId, positions: this.#positions, unknown: this.#unknown };
  }

  take(): Uint8Array | Stretch | null {
    if (this.#log.successor !== null) return moveOn(this.#route, this.#log, this.place());
    const wereAdded = this.#positions.length < this.#log.start.length;
    if (wereAdded || this.#log.covers(this.#positions)) return this.#goOn();
    page.clear();
    const { history } = this.#route.feed;
    const lacking = new Map<number, number>();
    for (const partition of this.#lagging()) {
      while (page.length < PAGE_BYTES && this.#lags(partition)) {
        const block = history.blocks.find(partition, this.#positions[partition]!);
        if (block === null) {
          lacking.set(partition, this.#positions[partition]!);
          break;
        }
        this.#pass(block);
      }
    }
    if (page.length > 0) return page.copy();
    if (this.#log.covers(this.#positions)) return this.#goOn();
    history.want({ offsets: lacking, wake: this.#wake });
    return null;
  }

  #goOn(): Stretch {
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

  /** Takes from a block until the page is full. */
  #pass(block: Block): void {
    const { partition, next, segment } = block;
    if (segment === null) {
      this.#passLost(partition, next);
      return;
    }
    const { out, ends, lineEnds } = this.#route.feed.history.blocks.encode(
      block,
      segment,
      this.#route.format,
    );
    let at = firstFrom(segment, this.#positions[partition]!);
    for (; at < segment.count && page.length < PAGE_BYTES; at++) {
      this.#positions[partition] = segment.offsets[at]! + 1;
      if (!this.#log.isLatest(segment, at)) continue;
      page.bytes(out.view(at === 0 ? 0 : ends[at - 1]!, lineEnds[at]!));
      this.#writeId();
    }
    if (at === segment.count) this.#positions[partition] = next;
  }

  #passLost(partition: number, to: number): void {
    const from = this.#positions[partition]!;
    this.#positions[partition] = to;
    const { feed, subscription } = this.#route;
    if (page.length === 0 && subscription.untouched[partition] === 1) return;
    const { topic } = feed;
    const gap = { reason: 'retention', topic, partitions: [{ partition, from, to }] } as const;
    page.bytes(gapFrame(gap, this.place()));
  }

  #writeId(): void {
    writeId(page, (id) => writeCursor(id, this.#log.topicId, this.#positions, this.#unknown));
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
