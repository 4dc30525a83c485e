import { abortableDelay } from '../waits/abortable.ts';
import { staleFrame } from '../wire/frame.ts';

/** A topic is stale once not all of its leaders have answered for so long, in milliseconds. */
const STALE_MS = 10_000;

/**
 * Whether this gateway hears of a topic: its clients are told when it does not, because what they
 * have may be out of date without a sign of it.
 *
 * Those who look at the topic every few seconds anyway say when all leaders have answered, so that
 * it costs no question and no time at a record.
 */
export class Freshness {
  /** The block that tells clients that it is stale; `null` while it is not. The same for all of them. */
  staleBlock: Uint8Array | null = null;
  /** Unix milliseconds. */
  #answeredAt = Date.now();
  readonly #changed: () => void;

  /** @param changed is called each time that it has become stale or fresh */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** All leaders have answered, or the brokers have said that the topic does not exist. */
  answered(): void {
    this.#answeredAt = Date.now();
    if (this.staleBlock === null) return;
    this.staleBlock = null;
    this.#changed();
  }

  /** Looks until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const leftMs = this.#answeredAt + STALE_MS - Date.now();
      if (leftMs <= 0 && this.staleBlock === null) {
        this.staleBlock = staleFrame(this.#answeredAt);
        this.#changed();
      }
      await abortableDelay(leftMs > 0 ? leftMs : STALE_MS, signal);
    }
  }
}
