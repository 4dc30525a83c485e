import type { Dropped, LogEnd } from '../log/log.ts';
import type { Place } from '../wire/place.ts';
import type { Step } from './step.ts';

/** A place in a log, and in each of its partitions; 0 for none. */
export type NewFrom = Pick<LogEnd, 'seq' | 'positions'>;

/**
 * A stretch of a client's way through a topic: opening, history, alignment, shared. `take` gives
 * the next bytes, how the client goes on, or `null` where it has all there is for now.
 */
export interface Stretch {
  take(): Uint8Array | Step | null;
  /** Where the client is; `null` before its start is known. */
  place(): Place | null;
  /** The time of an id of that place that is made now; `null` where it has none. */
  readonly idTime: number | null;
  /** How many of the records that the log has read are still to come; `null` before that is known. */
  behind(): number | null;
  /** Whether the client has everything up to where the log ended at a time. */
  isPast(end: LogEnd): boolean;
  /**
   * Kafka has dropped deletes.
   * @param newFrom below it they are nothing to the client
   * @returns whether the client stands below one that it would have to get
   */
  lacks(dropped: Dropped, newFrom: NewFrom | null): boolean;
  /** Whether the client waits for the feed to come to where it is. */
  readonly isAhead: boolean;
  /** Whether what comes next cannot wait for a beat: a gap, or another log. */
  readonly isUrgent: boolean;
  /** Whether all who stand where the client did, in the same view, got the array that it gave last; left out: no. */
  readonly isShared?: boolean;
  /** What the client waits for alone, once it has all there is; left out: for whatever comes. */
  readonly selection?: object | undefined;
  /**
   * Goes past what is not for the client, up to what is, as far as that is known.
   * @returns how the client goes on where it ends
   */
  pass?(): Step | null;
  /** Lets go of what goes on for it: the client has gone. */
  close?(): void;
}
