/** Records that are looked at in one turn, for all clients: a millisecond or two. */
const TURN_RECORDS = 2000;
/**
 * Where they take longer, as by code that has just begun to run, or with little of a processor, a turn ends after so
 * many milliseconds:
 */
export const MAX_TURN_MS = 5;
/** it is looked at the time once in so many records. */
const LOOK_RECORDS = 100;
/** To put a page together for one client takes as long as to look at so many. */
export const PAGE_RECORDS = 10;

/** Who waits for the next turn. */
interface Waiting {
  /** Ends the wait. Never throws. */
  wake(): void;
}

/**
 * Bounds how long filters work before everything else has its turn: one that matches nothing would
 * walk through all of memory in one go, and ten thousand of them for seconds.
 *
 * Records are counted, and milliseconds now and then: to ask for the time costs as much as to look at a record.
 */
export class Turns {
  readonly #records: number;
  readonly #maxMs: number;
  #left: number;
  /** With so many left it looks at the time. */
  #looksAt = 0;
  /** When the turn began, in milliseconds of `performance.now()`. */
  #beganAt = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Called once nothing is looked at any more. */
  onRest: (() => void) | null = null;

  constructor(records: number = TURN_RECORDS, maxMs: number = Number.POSITIVE_INFINITY) {
    this.#records = records;
    this.#maxMs = maxMs;
    this.#left = records;
  }

  /** Whether nothing is to be looked at any more before the next turn. */
  get isOver(): boolean {
    return this.#left <= 0;
  }

  /** So many records have been looked at. */
  readonly spend = (records: number): void => {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#begin(), 0);
      if (this.#left === this.#records) this.#startClock();
    }
    this.#left -= records;
    if (this.#left > this.#looksAt) return;
    this.#looksAt = this.#left - LOOK_RECORDS;
    if (performance.now() - this.#beganAt > this.#maxMs) this.#left = Math.min(this.#left, 0);
  };

  #startClock(): void {
    this.#beganAt = performance.now();
    this.#looksAt = this.#records - LOOK_RECORDS;
  }

  /** Wakes one in a later turn, of which the first come first. To be called when this one is over. */
  wait(client: Waiting): void {
    this.#waiting.add(client);
  }

  #begin(): void {
    this.#timer = undefined;
    this.#left = this.#records;
    this.#startClock();
    if (this.#waiting.size === 0) this.onRest?.();
    for (const client of this.#waiting) {
      if (this.isOver) return;
      this.#waiting.delete(client);
      client.wake();
    }
  }
}
