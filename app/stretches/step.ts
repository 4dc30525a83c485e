import type { Log, LogEnd } from '../log/log.ts';
import type { Cursor } from '../wire/cursor.ts';
import type { Gap } from '../wire/gap.ts';
import type { Place } from '../wire/place.ts';
import type { Since } from '../wire/since.ts';

/** Where a client wants to begin. */
export interface Start {
  readonly cursor: Cursor | null | 'unreadable';
  readonly since: Since | null;
  /** Whether Kafka dropped deletes that a connected client had not had. */
  readonly lacksDeletes?: boolean;
}

/** What a client is told before the first record: a gap, or its place alone, so that a cut loses nothing. */
export type First = Gap | 'place' | null;

/** How a client goes on after a stretch; which stretch that is, `route.ts` knows. */
export type Step =
  /** Finds out where it begins. */
  | { readonly open: Start }
  /** Goes on at a place, from memory or from Kafka. */
  | { readonly resume: Log; readonly place: Place; readonly first: First }
  /** Goes on where all are alike. What was there before `liveFrom` is no live record to it. */
  | { readonly share: LogEnd; readonly liveFrom: number; readonly first: First };

/**
 * Goes on in the log that took the place of another: the topic was made anew or cut, its policy is
 * another, or this gateway may have missed deletes. The client gets the same as one that comes back
 * with its last id.
 * @param time that of the id; `null` where it has none
 */
export function openAgain(
  { topicId, positions, unknown }: Place,
  time: number | null,
  lacksDeletes: boolean = false,
): Step {
  const offsets = new Map([...positions].map((offset, partition) => [partition, offset]));
  for (const [partition, offset] of unknown) offsets.set(partition, offset);
  const cursor = time === null ? { topicId, offsets } : { topicId, offsets, time };
  return { open: { cursor, since: null, lacksDeletes } };
}
