/** When a stream ends by itself: once its client has all that was there. */
export interface Until {
  /** Where there was nothing, it waits for the first for so long, in milliseconds. */
  readonly waitMs: number;
}

/** What `until` and `wait` take, in words for an answer. */
export const UNTIL_FORMS: string = 'until takes "live"';
export const MAX_WAIT_SECONDS = 60;
export const WAIT_FORMS: string = `wait takes whole seconds, 1 to ${MAX_WAIT_SECONDS}`;

/** @returns `null` for neither; what is wrong, in words, for a text that is none of the forms. */
export function parseUntil(
  until: string | undefined,
  wait: string | undefined,
): Until | null | string {
  if ((until || 'live') !== 'live') return UNTIL_FORMS;
  if (wait === undefined || wait === '') return until ? { waitMs: 0 } : null;
  const seconds = /^[1-9]\d?$/.test(wait) ? Number(wait) : Number.POSITIVE_INFINITY;
  return seconds > MAX_WAIT_SECONDS ? WAIT_FORMS : { waitMs: seconds * 1000 };
}
