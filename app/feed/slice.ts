import { ByteWriter } from './byte_writer.ts';
import { DEAD, type Encoding, type Segment } from './segment.ts';

/** Bytes handed out at once, unless one block is larger. */
const SLICE_BYTES = 32 * 1024;

/** Blocks to send, and the place after them. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly nextSeq: number;
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
  const slice = { bytes: encoding.out.view(begin, end), nextSeq: segment.seqs[at - 1]! + 1 };
  encoding.last = { slice, from, count, deaths };
  return slice;
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
