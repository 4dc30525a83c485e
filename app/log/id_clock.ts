/** Kafka's own default of `delete.retention.ms`, where the topic's is not known. */
const DEFAULT_RETENTION_MS = 86_400_000;
/** An id is at the most this part of `delete.retention.ms` old when it is sent, */
const MAX_AGE_PART = 1 / 4;
/** but its time counts seconds. */
const MIN_MAX_AGE_MS = 1000;
/**
 * Who comes back with an id of this part of `delete.retention.ms` has been away for more than half of
 * it: the id was a quarter old at the most.
 */
const MAX_ABSENCE_PART = 3 / 4;
/** More than that is for what takes time, where there is as much beside the second that an id leaves out. */
const MAX_MARGIN_MS = 1000;
/** Below it an absence is not told from the age of an id. */
const MIN_RETENTION_MS = 4000;
/** A gateway that is less behind is not taken to lag: records take some time to come. */
const MIN_LAG_MS = 1000;
/** The ends are looked at so many times within `delete.retention.ms`, */
const LOOKS_PER_RETENTION = 8;
/** but only so often: each look is some questions to the brokers. */
const MIN_LOOK_MS = 500;
const MAX_LOOK_MS = 4000;
/** Idle clients are looked after so often. */
const SWEEP_MS = 1000;

/**
 * The time in the ids of a compacted topic: when their blocks were made. A client that comes back
 * shows by it how long it was away, and so whether Kafka may have dropped deletes meanwhile.
 *
 * The time is the block's, not the client's, so that all may have the same bytes: what was made is
 * sent until it is a quarter of `delete.retention.ms` old, and made anew then.
 *
 * A gateway that lags gives out places that lack what was written since it had everything. So no id
 * says a time much later than that: who keeps such an id was away from then on.
 */
export class IdClock {
  /** `delete.retention.ms` of the topic, as it was seen last. */
  retentionMs = DEFAULT_RETENTION_MS;
  /** When the log last had everything that Kafka had, Unix milliseconds. */
  caughtUpAt = Number.POSITIVE_INFINITY;
  /** When the reading of the log began and when it was loaded, Unix milliseconds. */
  beganAt = 0;
  loadedAt = 0;
  readonly #now: () => number;

  /** @param now Unix milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The time of a block that is made now, Unix seconds. */
  get seconds(): number {
    // Between two looks it is not known whether the log lags. So much later an id still tells of
    // each absence that counts.
    const unknownMs = Math.min(2 * this.lookMs, this.retentionMs - this.#maxAbsenceMs);
    return Math.floor(Math.min(this.#now(), this.caughtUpAt + unknownMs) / 1000);
  }

  /** How often the ends are to be looked at. */
  get lookMs(): number {
    const often = this.retentionMs / LOOKS_PER_RETENTION;
    return Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, often));
  }

  /** Whether a block of that time must not be sent any more, and a new one would be later. */
  isTooOld(seconds: number): boolean {
    return seconds * 1000 < this.#now() - this.#maxAgeMs && seconds < this.seconds;
  }

  /**
   * Whether Kafka may have dropped deletes that were written since an id of that time was made.
   * @param cameAt when a client came with it, Unix milliseconds
   */
  isLate(seconds: number, cameAt: number): boolean {
    const time = seconds * 1000;
    // Of what was written before the reading began, deletes may have gone before it came to them.
    const readAt = time < this.beganAt ? Math.max(cameAt, this.loadedAt) : cameAt;
    return readAt - time > this.#maxAbsenceMs;
  }

  /** Whether an id of that time is too old before it is looked at again, and a new one is later. */
  isAgeing(seconds: number): boolean {
    return seconds * 1000 < this.#now() - this.#maxAgeMs + SWEEP_MS && seconds < this.seconds;
  }

  /** Whether the log lags for so long that Kafka may have dropped deletes which it never had. */
  get isBehind(): boolean {
    return this.#now() - this.caughtUpAt > Math.max(MIN_LAG_MS, this.retentionMs);
  }

  get #maxAbsenceMs(): number {
    if (this.retentionMs < MIN_RETENTION_MS) return this.retentionMs;
    const leftMs = this.retentionMs * MAX_AGE_PART - 1000;
    return this.retentionMs * MAX_ABSENCE_PART + Math.min(MAX_MARGIN_MS, leftMs);
  }

  get #maxAgeMs(): number {
    return Math.max(MIN_MAX_AGE_MS, this.retentionMs * MAX_AGE_PART);
  }
}
