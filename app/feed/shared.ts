import type { Log } from './log.ts';
import { moveOn } from './opening.ts';
import type { Place } from './place.ts';
import { resume } from './resume.ts';
import type { Segment } from './segment.ts';
import type { Route, Stretch } from './stretch.ts';

/** The client's cursor is the feed's: ids and bytes are the same for all who stand here. */
export class Shared implements Stretch {
  readonly log: Log;
  readonly #route: Route;
  #segment: Segment;
  #seq: number;
  /** What was there when the client came here is no live record to it. */
  readonly #liveFrom: number;

  constructor(route: Route, log: Log, seq: number) {
    this.#route = route;
    this.log = log;
    this.#segment = log.locate(seq)!;
    this.#seq = seq;
    this.#liveFrom = log.nextSeq;
  }

  /** Sequence number of the next record. */
  get seq(): number {
    return this.#seq;
  }

  place(): Place {
    return {
      topicId: this.log.topicId,
      positions: this.#segment.cursorAt(this.#seq),
      unknown: [],
    };
  }

  take(): Uint8Array | Stretch | null {
    if (this.log.successor !== null) return moveOn(this.#route, this.log, this.place());
    for (;;) {
      if (this.#segment.gone || this.#segment.nextSeq <= this.#seq) {
        const segment = this.log.locate(this.#seq);
        if (segment === null) return resume(this.#route, this.log, this.place());
        this.#segment = segment;
        if (segment.nextSeq <= this.#seq) return null;
      }
      const slice = this.log.slice(this.#segment, this.#route.format, this.#seq);
      if (slice !== null) {
        this.#route.feed.traffic.sendSlice(slice, this.#seq >= this.#liveFrom);
        this.#seq = slice.nextSeq;
        return slice.bytes;
      }
      this.#seq = this.#segment.nextSeq;
    }
  }
}
