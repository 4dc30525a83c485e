import { getLogger } from '@logtape/logtape';
import { type LiveMark, liveFrame } from './live_mark.ts';
import type { Stretch } from './stretch.ts';
import type { Traffic } from './traffic.ts';
import type { Waiting } from './waiting.ts';

const logger = getLogger(['sse-kafka', 'feed']);

const NO_PARTITIONS: Uint8Array = new Uint8Array(0);

/** Bytes handed to a socket at once. */
const MAX_ARRAY_BYTES = 64 * 1024;

/**
 * One client: a place in the log, never a queue. What it has not taken stays where it is, in
 * memory or in Kafka, so that one client, however slow, costs bounded memory.
 */
export class Subscription {
  /** Its topic's, to which what it gets is added. */
  readonly traffic: Traffic;
  readonly #waiting: Waiting;
  #stretch: Stretch;
  /** What is left of a block that is larger than one array. */
  #rest: Uint8Array | null = null;
  #wake: (() => void) | null = null;
  /** Takes back what is being asked for it. */
  #takeBack: (() => void) | null = null;
  /** Where the client has all that was there when it came; `null` where it is not to be told. */
  live: LiveMark | null = null;
  /** Whether it was told. */
  isLive = false;
  /**
   * 1 for each partition in which the client has no place yet: what was deleted there before is no
   * loss to it. The first block gives it a place in all of them.
   */
  untouched: Uint8Array = NO_PARTITIONS;
  /** Whether it waits for the feed to come to where it is. */
  isAhead = false;

  constructor(start: (subscription: Subscription) => Stretch, waiting: Waiting, traffic: Traffic) {
    this.traffic = traffic;
    this.#waiting = waiting;
    this.#stretch = start(this);
  }

  /** Whether what was taken last ends within a block. */
  get isWithinBlock(): boolean {
    return this.#rest !== null;
  }

  /** The next bytes, whole blocks where they fit 64 kB; `null` where the client has all there is. */
  take(): Uint8Array | null {
    if (this.#rest !== null) return this.#portion(this.#rest);
    for (;;) {
      if (this.#isLiveNow()) return this.#announceLive();
      const next = this.#stretch.take();
      // It may have passed places that hold nothing to send.
      if (next === null) return this.#isLiveNow() ? this.#announceLive() : null;
      if (next instanceof Uint8Array) return this.#portion(next);
      this.#stretch = next;
    }
  }

  /** Calls `wake` once, as soon as `take` may have something. */
  wait(wake: () => void): void {
    this.#wake = wake;
    this.#waiting.add(this);
  }

  /** Ends the wait. It never throws: those who are woken after it would wait on. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    try {
      wake?.();
    } catch (error) {
      logger.error('A client cannot be woken: {error}', { error });
    }
  }

  /** Something is asked for it; in the place of what was asked before. */
  asks(takeBack: (() => void) | null): void {
    this.#takeBack?.();
    this.#takeBack = takeBack;
  }

  close(): void {
    this.#wake = null;
    this.asks(null);
    this.#waiting.delete(this);
    this.#stretch.close?.();
  }

  #isLiveNow(): boolean {
    return this.live?.isPassed(this.#stretch) === true;
  }

  #announceLive(): Uint8Array {
    this.live = null;
    this.isLive = true;
    this.traffic.eventsSent++;
    this.untouched = NO_PARTITIONS;
    return liveFrame(this.#stretch.place()!);
  }

  #portion(bytes: Uint8Array): Uint8Array {
    this.untouched = NO_PARTITIONS;
    this.#rest = bytes.length > MAX_ARRAY_BYTES ? bytes.subarray(MAX_ARRAY_BYTES) : null;
    return this.#rest === null ? bytes : bytes.subarray(0, MAX_ARRAY_BYTES);
  }
}
