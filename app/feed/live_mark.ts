import { ByteWriter } from './byte_writer.ts';
import { writeId } from './frame.ts';
import type { Log } from './log.ts';
import { coversAll, type Place, type Positions } from './place.ts';
import { Shared } from './shared.ts';
import type { Stretch } from './stretch.ts';

/** The end of what was there when a client came: past it the client is live. */
export class LiveMark {
  readonly #log: Log;
  readonly #seq: number;
  readonly #positions: Positions;

  constructor(log: Log) {
    this.#log = log;
    this.#seq = log.nextSeq;
    this.#positions = log.positions.slice();
  }

  isPassed(stretch: Stretch): boolean {
    // Its place is dear to compute, its sequence number is at hand.
    if (stretch instanceof Shared && stretch.log === this.#log) return stretch.seq >= this.#seq;
    const place = stretch.place();
    return place !== null && coversAll(place.positions, this.#positions);
  }
}

/** The block that tells a client that it has all that was there when it came. */
export function liveFrame(place: Place): Uint8Array {
  const out = new ByteWriter(128);
  out.text('event:live\ndata:{}\n');
  writeId(out, place);
  return out.view();
}
