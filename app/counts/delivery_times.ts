/** Upper bounds of the buckets, in milliseconds; the last bucket has none. */
export const DELIVERY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
];

/**
 * How long records were under way, from their timestamp until they were handed to a client's
 * socket: a histogram.
 *
 * The clients of one slice follow each other at once, so that a bucket is looked for once for
 * each record and millisecond, and not for each client: who takes the same records in the same
 * millisecond is only counted.
 */
export class DeliveryTimes {
  /** Records by bucket, not cumulative. */
  readonly #counts = new Float64Array(DELIVERY_BOUNDS_MS.length + 1);
  #sumMs = 0;
  /** What one more client at the same records and time adds. */
  readonly #perClient = new Float64Array(DELIVERY_BOUNDS_MS.length + 1);
  #sumPerClientMs = 0;
  #clients = 0;
  #timestamps: Float64Array | null = null;
  #now = 0;

  /** Counts one client's records; those without a timestamp (-1) are left out. */
  add(timestamps: Float64Array, now: number): void {
    if (timestamps !== this.#timestamps || now !== this.#now) this.#begin(timestamps, now);
    this.#clients++;
  }

  /** Records by bucket, not cumulative, and the sum of their times in milliseconds. */
  read(): { counts: Float64Array; sumMs: number } {
    this.#end();
    return { counts: this.#counts, sumMs: this.#sumMs };
  }

  #begin(timestamps: Float64Array, now: number): void {
    this.#end();
    this.#timestamps = timestamps;
    this.#now = now;
    this.#perClient.fill(0);
    this.#sumPerClientMs = 0;
    for (const timestamp of timestamps) {
      if (timestamp < 0) continue;
      // A producer's clock may be ahead.
      const ms = Math.max(0, now - timestamp);
      this.#perClient[bucketOf(ms)]!++;
      this.#sumPerClientMs += ms;
    }
  }

  #end(): void {
    this.#timestamps = null;
    if (this.#clients === 0) return;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      this.#counts[bucket]! += this.#perClient[bucket]! * this.#clients;
    }
    this.#sumMs += this.#sumPerClientMs * this.#clients;
    this.#clients = 0;
  }
}

function bucketOf(ms: number): number {
  let bucket = 0;
  while (bucket < DELIVERY_BOUNDS_MS.length && ms > DELIVERY_BOUNDS_MS[bucket]!) bucket++;
  return bucket;
}
