import { type LiveMark, liveFrame } from './live_mark.ts';
import type { Place, Stretch } from './stretch.ts';

/** Bytes handed to a socket at once. */
const MAX_ARRAY_BYTES = 64 * 1024;

/**
 * One client: a place in the log, never a queue. What it has not taken stays where it is, in
 * memory or in Kafka, so that one client, however slow, costs bounded memory.
 */
export class Subscription {
  readonly #waiting: Set<Subscription>;
  #stretch: Stretch;
  /** What is left of a block that is larger than one array. */
  #rest: Uint8Array | null = null;
  #wake: (() => void) | null = null;
  /** Where the client has all that was there when it came; `null` where it is not to be told. */
  live: LiveMark | null = null;
  /** Whether it was told. */
  isLive = false;

  /** @param waiting those who wait for the feed's next records */
  constructor(start: (subscription: Subscription) => Stretch, waiting: Set<Subscription>) {
    this.#waiting = waiting;
    this.#stretch = start(this);
  }

  /** The next bytes, whole blocks where they fit 64 kB; `null` where the client has all there is. */
  take(): Uint8Array | null {
    if (this.#rest !== null) return this.#portion(this.#rest);
    for (;;) {
      if (this.live?.isPassed(this.#stretch)) return this.#announceLive(this.#stretch.place()!);
      const next = this.#stretch.take();
      if (next === null) return null;
      if (next instanceof Uint8Array) return this.#portion(next);
      this.#stretch = next;
    }
  }

  /** Calls `wake` once, as soon as `take` may have something. */
  wait(wake: () => void): void {
    this.#wake = wake;
    this.#waiting.add(this);
  }

  /** Ends the wait. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  close(): void {
    this.#wake = null;
    this.#waiting.delete(this);
  }

  #announceLive(place: Place): Uint8Array {
    this.live = null;
    this.isLive = true;
    return liveFrame(place);
  }

  #portion(bytes: Uint8Array): Uint8Array {
    this.#rest = bytes.length > MAX_ARRAY_BYTES ? bytes.subarray(MAX_ARRAY_BYTES) : null;
    return this.#rest === null ? bytes : bytes.subarray(0, MAX_ARRAY_BYTES);
  }
}
