import { ByteWriter } from './byte_writer.ts';
import { GAP, LIVE, resized } from './columns.ts';
import type { Format } from './format.ts';
import { writeId } from './frame.ts';
import { type Gap, writeGapLines } from './gap.ts';
import type { Positions } from './place.ts';
import type { Segment } from './segment.ts';
import type { LastSlice } from './slice.ts';

/**
 * What a block of one line takes beside its value where partitions are few: a buffer that is a little
 * too small is exchanged for one of twice the size.
 */
const BLOCK_MARGIN = 64;

/** The blocks of a segment in one format, encoded once for all clients. */
export class Encoding {
  out: ByteWriter;
  /** How many places are encoded. */
  count = 0;
  /** Where the lines of each place's block end and its id begins; where the block ends. */
  lineEnds: Uint32Array;
  ends: Uint32Array;
  last: LastSlice | null = null;
  readonly #segment: Segment;
  readonly #format: Format;
  /** The cursor after the last place encoded. */
  readonly #positions: Positions;

  constructor(segment: Segment, format: Format) {
    this.#segment = segment;
    this.#format = format;
    this.#positions = segment.start.slice();
    this.out = new ByteWriter(Math.max(256, segment.recordBytes + segment.count * BLOCK_MARGIN));
    this.lineEnds = new Uint32Array(segment.count);
    this.ends = new Uint32Array(segment.count);
  }

  /** Bytes held in memory. */
  get heldBytes(): number {
    return this.out.capacity + this.ends.length * 8 + this.#positions.byteLength;
  }

  /** Encodes what is not encoded yet. Dead records and holes get no bytes. */
  extend(): void {
    const segment = this.#segment;
    const { count, seqs, states, partitions, offsets, hasIds } = segment;
    if (this.ends.length < count) {
      this.lineEnds = resized(this.lineEnds, seqs.length);
      this.ends = resized(this.ends, seqs.length);
    }
    const { out } = this;
    const positions = this.#positions;
    const place = { topicId: segment.topicId, positions, unknown: [] };
    for (let at = this.count; at < count; at++) {
      const partition = partitions[at]!;
      const from = positions[partition]!;
      const to = offsets[at]! + 1;
      positions[partition] = segment.nextAt(at);
      const state = states[at];
      if (state === LIVE) this.#format.writeLines(out, segment.record(at));
      else if (state === GAP) writeGapLines(out, lost(segment.topic, { partition, from, to }));
      this.lineEnds[at] = out.length;
      if (hasIds && (state === LIVE || state === GAP)) writeId(out, place);
      this.ends[at] = out.length;
    }
    this.count = count;
  }
}

function lost(topic: string, partition: Gap['partitions'][number]): Gap {
  return { reason: 'retention', topic, partitions: [partition] };
}
