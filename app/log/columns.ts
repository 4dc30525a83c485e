import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { Positions } from '../wire/place.ts';
import type { TopicId } from '../wire/topic_id.ts';
import type { IdClock } from './id_clock.ts';

/** What stands in a row of a segment. */
export const LIVE = 0;
/** A record that a later one of the same key has superseded. */
export const DEAD = 1;
/** No record: the partition's position moved on over offsets that hold none. */
export const HOLE = 2;
/** No record: those up to here were deleted before the feed could read them. */
export const GAP = 3;

/** In the place of the record of a key before another: there was none, or it is not known. */
export const NO_RECORD: number = -1;
export const UNKNOWN_RECORD: number = -2;

/** The rows of a segment, as they are read to be encoded. */
export interface Columns {
  readonly topic: string;
  readonly topicId: TopicId;
  /** Whether blocks get ids. */
  readonly hasIds: boolean;
  /** Gives ids their time, on compacted topics. */
  readonly clock: IdClock | null;
  /** Reads the values; `null` where they are shown as they are. */
  readonly values: ValueReader | null;
  /** The cursor before the first row. */
  readonly start: Positions;
  /** How many rows there are; the arrays may be longer. */
  readonly count: number;
  /** Counts deaths, so that a kept slice knows when it is stale. */
  readonly deaths: number;
  /** Bytes of the records. */
  readonly recordBytes: number;
  readonly seqs: Float64Array;
  readonly partitions: Int32Array;
  readonly offsets: Float64Array;
  readonly timestamps: Float64Array;
  readonly states: Uint8Array;
  /** The record in a row; its bytes are views. */
  record(at: number): KafkaRecord;
  /** Its partition's position after a row. */
  nextAt(at: number): number;
}

/** A column with another length, for as many of its rows as fit. */
export function resized<T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(
  array: T,
  capacity: number,
): T {
  const result = new (array.constructor as new (length: number) => T)(capacity);
  result.set(array.length > capacity ? array.subarray(0, capacity) : array);
  return result;
}
