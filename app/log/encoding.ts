import type { Format } from '../views/format.ts';
import { ByteWriter } from '../wire/byte_writer.ts';
import { writeId } from '../wire/frame.ts';
import { retentionGap, writeGapLines } from '../wire/gap.ts';
import type { Positions } from '../wire/place.ts';
import { type Columns, DEAD, GAP, LIVE, resized } from './columns.ts';

/**
 * What a block of one line takes beside its value where partitions are few: a buffer that is a little
 * too small is exchanged for one of twice the size.
 */
const BLOCK_MARGIN = 64;
/**
 * Bytes handed out at once, unless one block is larger: what goes to a socket as one array. Half of it costs a
 * sixth more a byte (measured on Node, 400 clients at beats of 100 kB).
 */
const SLICE_BYTES = 64 * 1024;

/** Blocks to send, and the place after them. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly nextSeq: number;
  /** Whether that place lies past the last id. */
  readonly isPastId: boolean;
  /** The time of the last id; `null` on a topic that is not compacted. */
  readonly time: number | null;
  /** Blocks with more than an id; of them, gaps. */
  readonly events: number;
  readonly gaps: number;
  /** Of the records, -1 in rows that hold none. Good until the segment changes. */
  readonly timestamps: Float64Array;
}

/** The block of one record. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The time of its id; `null` on a topic that is not compacted. */
  readonly time: number | null;
  /** 0 where it is an id alone. */
  readonly events: number;
}

/** The slices that were cut, by the row that they begin at, and what they were cut from. */
interface Slices {
  readonly count: number;
  readonly deaths: number;
  readonly byRow: Map<number, Slice>;
}

const NO_SLICES: Slices = { count: 0, deaths: 0, byRow: new Map() };

/** The blocks of a segment in one format, encoded once for all clients. */
export class Encoding {
  /** How many rows are encoded. */
  count = 0;
  readonly #columns: Columns;
  readonly #format: Format;
  #out: ByteWriter;
  /** Where the lines of each row's block end and its id begins; where the block ends. */
  #lineEnds: Uint32Array;
  #ends: Uint32Array;
  /** When each row's block was made, Unix seconds; of no length where ids have no time. */
  #times: Uint32Array;
  /** The cursor after the last row encoded. */
  #positions: Positions;
  #slices = NO_SLICES;
  #lastBlock: { readonly at: number; readonly block: Block } | null = null;

  constructor(columns: Columns, format: Format) {
    const { start, count } = columns;
    this.#columns = columns;
    this.#format = format;
    this.#positions = start.slice();
    this.#out = this.#newOut();
    this.#lineEnds = new Uint32Array(count);
    this.#ends = new Uint32Array(count);
    this.#times = new Uint32Array(columns.clock === null ? 0 : count);
  }

  /** Bytes held in memory. */
  get heldBytes(): number {
    return (
      this.#out.capacity +
      this.#ends.length * 8 +
      this.#times.byteLength +
      this.#positions.byteLength
    );
  }

  /** Encodes what is not encoded yet. Dead records and holes get no bytes. */
  extend(): void {
    const columns = this.#columns;
    const { topic, topicId, count, seqs, states, partitions, offsets, hasIds, clock } = columns;
    if (this.#ends.length < count) {
      this.#lineEnds = resized(this.#lineEnds, seqs.length);
      this.#ends = resized(this.#ends, seqs.length);
      if (clock !== null) this.#times = resized(this.#times, seqs.length);
    }
    const out = this.#out;
    const positions = this.#positions;
    const place = { topicId, positions, unknown: [] };
    const time = clock === null ? null : clock.seconds;
    if (time !== null) this.#times.fill(time, this.count, count);
    for (let at = this.count; at < count; at++) {
      const partition = partitions[at]!;
      const from = positions[partition]!;
      positions[partition] = columns.nextAt(at);
      const state = states[at];
      if (state === LIVE) {
        this.#format.writeLines(out, columns.record(at), columns.values);
      } else if (state === GAP) {
        writeGapLines(out, retentionGap(topic, partition, from, offsets[at]! + 1));
      }
      this.#lineEnds[at] = out.length;
      if (hasIds && (state === LIVE || state === GAP)) writeId(out, place, time);
      this.#ends[at] = out.length;
    }
    this.count = count;
  }

  /** The lines of a row's block, without its id; a view, empty where there is nothing to tell. */
  lines(at: number): Uint8Array {
    return this.#out.view(this.#begin(at), this.#lineEnds[at]!);
  }

  /** The block of a live row: a view, never a copy, and the same for all who ask one after another. */
  block(at: number): Block {
    const { clock } = this.#columns;
    if (clock?.isTooOld(this.#times[at]!)) this.#makeAnew();
    if (this.#lastBlock?.at === at) return this.#lastBlock.block;
    const block = {
      bytes: this.#out.view(this.#begin(at), this.#ends[at]!),
      time: clock === null ? null : this.#times[at]!,
      events: this.#lineEnds[at]! > this.#begin(at) ? 1 : 0,
    };
    this.#lastBlock = { at, block };
    return block;
  }

  /**
   * The blocks from a row on, at most 64 kB, at least one; `null` where no live record
   * follows. Always a view, and the very same one for all who come to its first block, also from rows before it
   * that have none: nothing is copied for a client.
   */
  slice(row: number): Slice | null {
    const { count, deaths, seqs, states, clock } = this.#columns;
    let from = row;
    while (from < count && (states[from] === DEAD || this.#ends[from] === this.#begin(from)))
      from++;
    if (from === count) return null;
    // Rows were made one after the other: the first one is the oldest.
    if (clock?.isTooOld(this.#times[from]!)) this.#makeAnew();
    if (this.#slices.count !== count || this.#slices.deaths !== deaths) {
      this.#slices = { count, deaths, byRow: new Map() };
    }
    const known = this.#slices.byRow.get(from);
    if (known !== undefined) return known;
    const begin = this.#begin(from);
    let end = begin;
    let at = from;
    let last = from;
    for (; at < count; at++) {
      const blockEnd = this.#ends[at]!;
      if (blockEnd > end && states[at] === DEAD) {
        this.#repack();
        return this.slice(from);
      }
      if (end > begin && blockEnd - begin > SLICE_BYTES) break;
      if (blockEnd > end) last = at;
      end = blockEnd;
    }
    const bytes = this.#out.view(begin, end);
    const isPastId = last < at - 1;
    const nextSeq = seqs[at - 1]! + 1;
    const time = clock === null ? null : this.#times[last]!;
    const slice = { bytes, nextSeq, isPastId, time, ...this.#contents(from, at) };
    this.#slices.byRow.set(from, slice);
    return slice;
  }

  /** All blocks again, with ids of now: who holds views of the old bytes keeps them. */
  #makeAnew(): void {
    this.#out = this.#newOut();
    this.#positions = this.#columns.start.slice();
    this.count = 0;
    this.#slices = NO_SLICES;
    this.#lastBlock = null;
    this.extend();
  }

  #newOut(): ByteWriter {
    const { recordBytes, count } = this.#columns;
    return new ByteWriter(Math.max(256, recordBytes + count * BLOCK_MARGIN));
  }

  #begin(at: number): number {
    return at === 0 ? 0 : this.#ends[at - 1]!;
  }

  /** What lies from one row to another, for the metrics: looked at once for all clients. */
  #contents(from: number, to: number): Pick<Slice, 'events' | 'gaps' | 'timestamps'> {
    const { states, timestamps } = this.#columns;
    let [events, gaps, dead] = [0, 0, 0];
    for (let at = from; at < to; at++) {
      if (this.#lineEnds[at]! > this.#begin(at)) events++;
      if (states[at] === GAP) gaps++;
      if (states[at] === DEAD) dead++;
    }
    const all = timestamps.subarray(from, to);
    return {
      events,
      gaps,
      timestamps: dead === 0 ? all : all.filter((_, i) => states[from + i] !== DEAD),
    };
  }

  /** Lets the blocks of dead records go: once for all clients, who may hold views of the old bytes. */
  #repack(): void {
    const { states } = this.#columns;
    const [out, ends, lineEnds] = [this.#out, this.#ends, this.#lineEnds];
    const packed = new ByteWriter(out.length - this.#deadLength());
    let begin = 0;
    for (let at = 0; at < this.count; at++) {
      const end = ends[at]!;
      const idLength = end - lineEnds[at]!;
      if (states[at] !== DEAD) packed.bytes(out.view(begin, end));
      begin = end;
      ends[at] = packed.length;
      lineEnds[at] = states[at] === DEAD ? packed.length : packed.length - idLength;
    }
    this.#out = packed;
    this.#lastBlock = null;
  }

  #deadLength(): number {
    const { states } = this.#columns;
    let length = 0;
    for (let at = 0; at < this.count; at++) {
      if (states[at] === DEAD) length += this.#ends[at]! - this.#begin(at);
    }
    return length;
  }
}
