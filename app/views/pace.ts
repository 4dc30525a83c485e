/** A moment from which on those who wait for it get what came meanwhile. */
export interface Beat {
  readonly isDue: boolean;
  /** When that is, in milliseconds of `performance.now()`. */
  readonly dueAt: number;
}

/** The least and the most milliseconds between two beats. */
export const MIN_EVERY_MS = 100;
export const MAX_EVERY_MS = 60_000;

/** How often the clients of a view get what comes. */
export interface Pace {
  readonly everyMs: number;
  /**
   * The beat after the last one that some of them had. Those who are at the same beats stand at the same
   * places, and share bytes.
   */
  next: Beat | null;
}
