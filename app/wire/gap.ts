import { ByteWriter } from './byte_writer.ts';
import { writeId } from './frame.ts';
import type { Place } from './place.ts';

/** Why a client does not get all records: docs/guarantees.md tells them. */
export const GAP_REASONS = [
  'retention',
  'recreated',
  'truncated',
  'unreadable-cursor',
  'deletes',
  'view',
  'unread',
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** What a client does not get, as its `gap` event tells it. */
export interface Gap {
  readonly reason: GapReason;
  readonly topic: string;
  /** The client's next offset and where the stream goes on, for partitions that lost something. */
  readonly partitions: readonly { partition: number; from: number; to: number }[];
}

/** Records of one partition that were deleted before the client, or the feed, could read them. */
export function retentionGap(topic: string, partition: number, from: number, to: number): Gap {
  return { reason: 'retention', topic, partitions: [{ partition, from, to }] };
}

/** A record of which a filter asks for a value that could not be read. */
export function unreadGap(topic: string, partition: number, offset: number): Gap {
  return { reason: 'unread', topic, partitions: [{ partition, from: offset, to: offset + 1 }] };
}

/** All lines of a gap's block but its id. */
export function writeGapLines(out: ByteWriter, gap: Gap): void {
  out.text(`event:gap\ndata:${JSON.stringify(gap)}\n`);
}

/** The block of a gap; its id is the place from which the stream goes on. */
export function gapFrame(gap: Gap, place: Place, time: number | null): Uint8Array {
  const out = new ByteWriter(256);
  writeGapLines(out, gap);
  writeId(out, place, time);
  return out.view();
}
