/** What stands at a place of a segment. */
export const LIVE = 0;
/** A record that a later one of the same key has superseded. */
export const DEAD = 1;
/** No record: the partition's position moved on over offsets that hold none. */
export const HOLE = 2;
/** No record: those up to here were deleted before the feed could read them. */
export const GAP = 3;

/** A column with another length, for as many of its rows as fit. */
export function resized<T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(
  array: T,
  capacity: number,
): T {
  const result = new (array.constructor as new (length: number) => T)(capacity);
  result.set(array.length > capacity ? array.subarray(0, capacity) : array);
  return result;
}
