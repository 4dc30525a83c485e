import type { EventStream } from './event_stream.ts';

/** Sweeps in the time of one heartbeat: a stream gets it at most an eighth late. */
const SWEEPS_PER_HEARTBEAT = 8;

/** The streams that are open. One sweep for all sends the heartbeats: timers are a cost. */
export class OpenStreams {
  /** Counts sweeps: the clock by which a stream is idle. */
  sweeps = 0;
  readonly #streams = new Set<EventStream>();
  readonly #sweepMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param heartbeatSeconds 0: no heartbeats */
  constructor(heartbeatSeconds: number) {
    this.#sweepMs = (heartbeatSeconds * 1000) / SWEEPS_PER_HEARTBEAT;
  }

  get size(): number {
    return this.#streams.size;
  }

  add(stream: EventStream): void {
    this.#streams.add(stream);
    if (this.#sweepMs > 0) this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs);
  }

  delete(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  endAll(): void {
    for (const stream of this.#streams) stream.end();
  }

  #sweep(): void {
    this.sweeps++;
    for (const stream of this.#streams) {
      if (this.sweeps - stream.lastSent > SWEEPS_PER_HEARTBEAT) stream.beat();
    }
  }
}
