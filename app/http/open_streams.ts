import type { EndReason, RefusalReason, StreamObserver } from '../stream_observer.ts';
import type { EventStream } from './event_stream.ts';
import type { StreamSlots } from './stream_slots.ts';

/** Sweeps in the time of one heartbeat: a stream gets it at most an eighth late. */
const SWEEPS_PER_HEARTBEAT = 8;
const DRAIN_STEP_MS = 20;

/**
 * The streams that are open: the one place where a stream is let in and let go. One sweep for all
 * sends the heartbeats: timers are a cost.
 */
export class OpenStreams {
  /** Counts sweeps: the clock by which a stream is idle. */
  sweeps = 0;
  /** Whether no more are let in, for good. */
  isDraining = false;
  readonly #streams = new Set<EventStream>();
  readonly #slots: StreamSlots;
  readonly #observer: StreamObserver | null;
  readonly #sweepMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param heartbeatSeconds 0: no heartbeats */
  constructor(heartbeatSeconds: number, slots: StreamSlots, observer: StreamObserver | null) {
    this.#sweepMs = (heartbeatSeconds * 1000) / SWEEPS_PER_HEARTBEAT;
    this.#slots = slots;
    this.#observer = observer;
  }

  /**
   * Takes a slot for a stream, which has to be added then.
   * @returns why there is none, or `null`.
   */
  async admit(address: string): Promise<RefusalReason | null> {
    const refusal = this.isDraining ? 'drain' : await this.#slots.take(address);
    if (refusal !== null) this.#observer?.refused(refusal);
    return refusal;
  }

  add(stream: EventStream): void {
    this.#streams.add(stream);
    this.#observer?.opened(stream.topic);
    if (this.#sweepMs > 0) this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs);
  }

  /** Lets a stream go, the first time that it is called. */
  delete(stream: EventStream, reason: EndReason): void {
    if (!this.#streams.delete(stream)) return;
    this.#slots.release(stream.address);
    this.#observer?.closed(stream.topic, reason);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Lets no more streams in, and ends each at a random moment of that time: all clients at once
   * would be a storm for those who take them over.
   */
  async drain(milliseconds: number): Promise<void> {
    this.isDraining = true;
    if (this.#streams.size === 0) return;
    const deadline = performance.now() + milliseconds;
    for (let last = performance.now(), now = last; now < deadline; last = now) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS));
      now = performance.now();
      // Of those that are left, which gives each of them any moment with the same chance.
      const chance = (now - last) / (deadline - last);
      for (const stream of this.#streams) if (Math.random() < chance) stream.end('drain');
    }
    this.endAll();
  }

  endAll(): void {
    this.isDraining = true;
    for (const stream of this.#streams) stream.end('drain');
  }

  #sweep(): void {
    this.sweeps++;
    for (const stream of this.#streams) {
      if (this.sweeps - stream.lastSent > SWEEPS_PER_HEARTBEAT) stream.beat();
    }
  }
}
