import type { Traffic } from '../counts/traffic.ts';
import type { View } from '../views/view.ts';
import { expiredFrame, FRESH_FRAME, liveFrame, placeFrame } from '../wire/frame.ts';
import { Client } from './client.ts';
import { follow } from './route.ts';
import type { Sleepers } from './sleepers.ts';
import type { Start } from './step.ts';
import type { Stretch } from './stretch.ts';
import type { Topic } from './topic.ts';

/** Bytes handed to a socket at once. */
const MAX_ARRAY_BYTES = 64 * 1024;

/**
 * One client: a place in the log, never a queue. What it has not taken stays where it is, in
 * memory or in Kafka, so that one client, however slow, costs bounded memory.
 */
export class Subscription {
  /** Its topic's, to which what it gets is added. */
  readonly traffic: Traffic;
  readonly #topic: Topic;
  readonly #client: Client;
  readonly #sleepers: Sleepers;
  #stretch: Stretch;
  /** What it was told last of whether its topic is stale; `null`: nothing, or that it is fresh. */
  #toldStale: Uint8Array | null = null;
  /** What is left of a block that is larger than one array. */
  #rest: Uint8Array | null = null;

  constructor(topic: Topic, view: View, start: Start, sleepers: Sleepers) {
    this.traffic = topic.traffic;
    this.#topic = topic;
    this.#client = new Client(topic, view);
    this.#sleepers = sleepers;
    this.#stretch = follow(this.#client, { open: start }).stretch;
  }

  /** Whether what was taken last ends within a block. */
  get isWithinBlock(): boolean {
    return this.#rest !== null;
  }

  /** Whether it waits for the feed to come to where it is. */
  get isAhead(): boolean {
    return this.#stretch.isAhead;
  }

  /**
   * The next bytes, whole blocks where they fit 64 kB; `null` where the client has all there is.
   * @param isIdle whether nothing came for long: then it is told where it is, if its last id is another
   */
  take(isIdle = false): Uint8Array | null {
    if (this.#rest !== null) return this.#portion(this.#rest);
    if (this.#topic.staleBlock !== this.#toldStale) return this.#tellStale();
    for (;;) {
      if (this.#client.isLiveOn(this.#stretch)) return this.#announceLive();
      const next = this.#stretch.take();
      // It may have passed places that hold nothing to send.
      if (next === null) {
        if (this.#client.isLiveOn(this.#stretch)) return this.#announceLive();
        return isIdle ? this.#tellPlace() : null;
      }
      if (next instanceof Uint8Array) return this.#portion(next);
      const { stretch, first } = follow(this.#client, next);
      this.#stretch = stretch;
      if (first === null) continue;
      this.#client.isPastId = false;
      return this.#portion(first);
    }
  }

  /** What its client is told once its token is over: with where it is, if that is known yet. */
  expired(): Uint8Array {
    return expiredFrame(this.#stretch.place());
  }

  /** Calls `wake` once, as soon as `take` may have something. */
  wait(wake: () => void): void {
    this.#client.onWake(wake);
    this.#sleepers.add(this);
  }

  /** Ends the wait. */
  wake(): void {
    this.#client.wake();
  }

  close(): void {
    this.#client.onWake(null);
    this.#client.asks(null);
    this.#sleepers.delete(this);
    this.#stretch.close?.();
  }

  /** Without an id: its place does not move. */
  #tellStale(): Uint8Array {
    this.#toldStale = this.#topic.staleBlock;
    this.traffic.eventsSent++;
    return this.#toldStale ?? FRESH_FRAME;
  }

  #announceLive(): Uint8Array {
    this.#client.isToldLive();
    this.#client.gotPlace();
    this.traffic.eventsSent++;
    return liveFrame(this.#stretch.place()!);
  }

  /** `null` where its last id tells its place already. */
  #tellPlace(): Uint8Array | null {
    const place = this.#stretch.place();
    if (place === null || !this.#client.isPastId) return null;
    this.#client.gotPlace();
    this.traffic.eventsSent++;
    return placeFrame(place);
  }

  #portion(bytes: Uint8Array): Uint8Array {
    this.#client.gotBlock();
    this.#rest = bytes.length > MAX_ARRAY_BYTES ? bytes.subarray(MAX_ARRAY_BYTES) : null;
    return this.#rest === null ? bytes : bytes.subarray(0, MAX_ARRAY_BYTES);
  }
}
