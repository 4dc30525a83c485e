import { ByteWriter } from './byte_writer.ts';
import { DEAD, GAP } from './columns.ts';
import type { Encoding } from './encoding.ts';
import type { Segment } from './segment.ts';

/** Bytes handed out at once, unless one block is larger. */
const SLICE_BYTES = 32 * 1024;

/** Blocks to send, and the place after them. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly nextSeq: number;
  /** Blocks with more than an id; of them, gaps. */
  readonly events: number;
  readonly gaps: number;
  /** Of the records, -1 in places that hold none. Good until the segment changes. */
  readonly timestamps: Float64Array;
}

/** The slice that was cut last, and what it was cut from. */
export interface LastSlice {
  readonly slice: Slice;
  readonly from: number;
  readonly count: number;
  readonly deaths: number;
}

/**
 * The blocks of a segment from a place on, at most about 32 kB, at least one; `null` where no live
 * record follows. Always a view, and the very same one for all who come to that place one after
 * another: nothing is copied for a client.
 */
export function cut(segment: Segment, encoding: Encoding, from: number): Slice | null {
  const { count, deaths } = segment;
  const { last } = encoding;
  if (last?.from === from && last.count === count && last.deaths === deaths) return last.slice;
  const begin = from === 0 ? 0 : encoding.ends[from - 1]!;
  let end = begin;
  let at = from;
  for (; at < count; at++) {
    const blockEnd = encoding.ends[at]!;
    if (blockEnd > end && segment.states[at] === DEAD) {
      repack(segment, encoding);
      return cut(segment, encoding, from);
    }
    if (end > begin && blockEnd - begin > SLICE_BYTES) break;
    end = blockEnd;
  }
  if (end === begin) return null;
  const bytes = encoding.out.view(begin, end);
  const nextSeq = segment.seqs[at - 1]! + 1;
  const slice = { bytes, nextSeq, ...contentsOf(segment, encoding, from, at) };
  encoding.last = { slice, from, count, deaths };
  return slice;
}

/** What lies from one place to another, for the metrics: looked at once for all clients. */
function contentsOf(
  { states, timestamps }: Segment,
  { ends, lineEnds }: Encoding,
  from: number,
  to: number,
): Pick<Slice, 'events' | 'gaps' | 'timestamps'> {
  let [events, gaps, dead] = [0, 0, 0];
  for (let at = from; at < to; at++) {
    if (lineEnds[at]! > (at === 0 ? 0 : ends[at - 1]!)) events++;
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
function repack(segment: Segment, encoding: Encoding): void {
  const { out, ends, lineEnds } = encoding;
  const packed = new ByteWriter(out.length - deadLength(segment, encoding));
  let begin = 0;
  for (let at = 0; at < encoding.count; at++) {
    const end = ends[at]!;
    const idLength = end - lineEnds[at]!;
    if (segment.states[at] !== DEAD) packed.bytes(out.view(begin, end));
    begin = end;
    ends[at] = packed.length;
    lineEnds[at] = segment.states[at] === DEAD ? packed.length : packed.length - idLength;
  }
  encoding.out = packed;
}

function deadLength(segment: Segment, { ends, count }: Encoding): number {
  let length = 0;
  for (let at = 0; at < count; at++) {
    if (segment.states[at] === DEAD) length += ends[at]! - (at === 0 ? 0 : ends[at - 1]!);
  }
  return length;
}
