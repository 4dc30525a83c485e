import type { Encoding } from '../log/encoding.ts';
import type { Segment } from '../log/segment.ts';
import type { Format } from '../views/format.ts';
import { ByteWriter } from '../wire/byte_writer.ts';
import { writeId } from '../wire/frame.ts';
import { type Gap, writeGapLines } from '../wire/gap.ts';
import type { Place } from '../wire/place.ts';

/** Bytes of a page, unless one block is larger. */
const PAGE_BYTES = 32 * 1024;
/** What one large record has made larger is not held for ever. */
const MAX_HELD_BYTES = 4 * PAGE_BYTES;

/** A page that was put together, and what is in it. */
export interface WrittenPage {
  readonly bytes: Uint8Array;
  /** That of its ids. */
  readonly time: number | null;
  /** Blocks that are more than an id; of them, gaps by retention and for want of a schema. */
  readonly events: number;
  readonly gaps: number;
  readonly unread: number;
}

/**
 * Puts together what is made for one client: blocks of which the id is its own cursor. What a client
 * gets of a record that is not sent to all alike is decided and written here, and nowhere else.
 *
 * One for all clients of a topic: a page is begun, put together and copied out within one call.
 */
export class PageWriter {
  #out = new ByteWriter(0);
  #events = 0;
  #gaps = 0;
  #unread = 0;
  /** That of the ids that follow, Unix seconds; `null` on a topic that is not compacted. */
  time: number | null = null;

  get isEmpty(): boolean {
    return this.#out.length === 0;
  }

  get isFull(): boolean {
    return this.#out.length >= PAGE_BYTES;
  }

  /** @param time when it is made, Unix seconds; `null` on a topic that is not compacted */
  begin(time: number | null): void {
    this.time = time;
    if (this.#out.capacity > MAX_HELD_BYTES) this.#out = new ByteWriter(0);
    this.#out.clear();
    this.#events = 0;
    this.#gaps = 0;
    this.#unread = 0;
  }

  /** @param place where the client is once it has the record */
  record(encoding: Encoding, at: number, place: Place): void {
    const lines = encoding.lines(at);
    this.#out.bytes(lines);
    if (lines.length > 0) this.#events++;
    writeId(this.#out, place, this.time);
  }

  /**
   * The same for a row of a segment that few want: for one of them not all of it is encoded.
   * @param place where the client is once it has the record
   */
  row(format: Format, segment: Segment, at: number, place: Place): void {
    const before = this.#out.length;
    format.writeLines(this.#out, segment.record(at), segment.values);
    if (this.#out.length > before) this.#events++;
    writeId(this.#out, place, this.time);
  }

  /**
   * The key of a row has left the client's view.
   * @param place where the client is once it has that
   */
  leave(format: Format, segment: Segment, at: number, place: Place): void {
    format.writeLeave(this.#out, segment.record(at));
    this.#events++;
    writeId(this.#out, place, this.time);
  }

  /** @param place where the client goes on */
  gap(gap: Gap, place: Place): void {
    writeGapLines(this.#out, gap);
    writeId(this.#out, place, this.time);
    this.#events++;
    if (gap.reason === 'unread') this.#unread++;
    else this.#gaps++;
  }

  finish(): WrittenPage {
    return {
      bytes: this.#out.copy(),
      time: this.time,
      events: this.#events,
      gaps: this.#gaps,
      unread: this.#unread,
    };
  }
}
