/** Kafka's own default of `delete.retention.ms`, where the topic's is not known. */
const DEFAULT_RETENTION_MS = 86_400_000;
/** An id is at the most this part of `delete.retention.ms` old when it is sent, */
const MAX_AGE_PART = 1 / 4;
/** but its time counts seconds. */
const MIN_MAX_AGE_MS = 1000;
/**
 * Who comes back with an id of this part of `delete.retention.ms` and a second has been away for more than
 * half of it: the id was a quarter old at the most, and its time left out less than a second.
 */
const MAX_ABSENCE_PART = 3 / 4;
/** Idle clients are looked after so often. */
const SWEEP_MS = 1000;

/**
 * The time in the ids of a compacted topic: when their blocks were made. A client that comes back
 * shows by it how long it was away, and so whether Kafka may have dropped deletes meanwhile.
 *
 * The time is the block's, not the client's, so that all may have the same bytes: what was made is
 * sent until it is a quarter of `delete.retention.ms` old, and made anew then.
 */
export class IdClock {
  /** `delete.retention.ms` of the topic, as it was seen last. */
  retentionMs = DEFAULT_RETENTION_MS;
  readonly #now: () => number;

  /** @param now Unix milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The time of a block that is made now, Unix seconds. */
  get seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  /** Whether a block of that time must not be sent any more. */
  isTooOld(seconds: number): boolean {
    return seconds * 1000 < this.#now() - this.#maxAgeMs;
  }

  /**
   * Whether Kafka may have dropped deletes that were written since an id of that time was made.
   * @param cameAt when a client came with it, Unix milliseconds
   */
  isLate(seconds: number, cameAt: number): boolean {
    const absenceMs = Math.min(this.retentionMs, this.retentionMs * MAX_ABSENCE_PART + 1000);
    return cameAt - seconds * 1000 > absenceMs;
  }

  /** Whether an id of that time is too old before it is looked at again, and a new one is later. */
  isAgeing(seconds: number): boolean {
    const now = this.#now();
    const isLater = Math.floor(now / 1000) > seconds;
    return isLater && seconds * 1000 < now - this.#maxAgeMs + SWEEP_MS;
  }

  get #maxAgeMs(): number {
    return Math.max(MIN_MAX_AGE_MS, this.retentionMs * MAX_AGE_PART);
  }
}
