import { ByteWriter } from './byte_writer.ts';
import { writeId } from './frame.ts';
import type { Place } from './place.ts';

/** Why a client does not get all records: docs/guarantees.md tells them. */
export type GapReason = 'retention' | 'recreated' | 'truncated' | 'unreadable-cursor';

/** What a client does not get, as its `gap` event tells it. */
export interface Gap {
  readonly reason: GapReason;
  readonly topic: string;
  /** The client's next offset and where the stream goes on, for partitions that lost something. */
  readonly partitions: readonly { partition: number; from: number; to: number }[];
}

/** All lines of a gap's block but its id. */
export function writeGapLines(out: ByteWriter, gap: Gap): void {
  out.text(`event:gap\ndata:${JSON.stringify(gap)}\n`);
}

/** The block of a gap; its id is the place from which the stream goes on. */
export function gapFrame(gap: Gap, place: Place): Uint8Array {
  const out = new ByteWriter(256);
  writeGapLines(out, gap);
  writeId(out, place);
  return out.view();
}
