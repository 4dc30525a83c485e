import { DEAD, type Encoding, type Segment } from './segment.ts';

/** Bytes handed out at once, unless one block is larger. */
const SLICE_BYTES = 32 * 1024;

/** Blocks to send, and the place after them. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly nextSeq: number;
}

/**
 * The blocks of a segment from a place on, at most about 32 kB, at least one; `null` where no live
 * record follows. Neighbours go out as a view; only where dead ones lie between is anything copied.
 */
export function cut(segment: Segment, encoding: Encoding, from: number): Slice | null {
  const { ends, out } = encoding;
  const runs: Uint8Array[] = [];
  let length = 0;
  let begin = from === 0 ? 0 : ends[from - 1]!;
  let end = begin;
  let at = from;
  for (; at < segment.count; at++) {
    const blockEnd = ends[at]!;
    if (segment.states[at] === DEAD && blockEnd > end) {
      if (end > begin) runs.push(out.view(begin, end));
      begin = blockEnd;
    } else {
      const size = blockEnd - end;
      if (length > 0 && length + size > SLICE_BYTES) break;
      length += size;
    }
    end = blockEnd;
  }
  if (length === 0) return null;
  if (end > begin) runs.push(out.view(begin, end));
  const nextSeq = segment.seqs[at - 1]! + 1;
  return { bytes: runs.length === 1 ? runs[0]! : join(runs, length), nextSeq };
}

function join(runs: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const run of runs) {
    joined.set(run, at);
    at += run.length;
  }
  return joined;
}
