import type { TopicId } from './topic_id.ts';

/** Next offsets of partitions 0, 1, 2 … in one array. */
export type Positions = Float64Array;

/** Partitions a cursor names which this gateway does not know yet, ascending. */
export type UnknownPartitions = readonly (readonly [partition: number, offset: number])[];

/** Where a client is in a topic: a cursor with a position in every partition that is known. */
export interface Place {
  readonly topicId: TopicId;
  readonly positions: Positions;
  readonly unknown: UnknownPartitions;
}

/** Whether a cursor is at or past another in every partition of that one. */
export function coversAll(cursor: Positions, other: Positions): boolean {
  for (let partition = 0; partition < other.length; partition++) {
    if ((cursor[partition] ?? 0) < other[partition]!) return false;
  }
  return true;
}

/** How many offsets a cursor lacks to another, in the partitions in which it is behind it. */
export function distance(cursor: Positions, other: Positions): number {
  let sum = 0;
  for (let partition = 0; partition < other.length; partition++) {
    sum += Math.max(0, other[partition]! - (cursor[partition] ?? 0));
  }
  return sum;
}

/** Makes room for partitions that became known: from what the client said of them, else from 0. */
export function extended(
  positions: Positions,
  partitions: number,
  unknown: UnknownPartitions,
): Positions {
  if (positions.length >= partitions) return positions;
  const longer = new Float64Array(partitions);
  longer.set(positions);
  for (const [partition, offset] of unknown) {
    if (partition < partitions) longer[partition] = offset;
  }
  return longer;
}
