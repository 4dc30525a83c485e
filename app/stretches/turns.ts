/** Records that are looked at in one turn, for all clients: a millisecond or two. */
const TURN_RECORDS = 2000;
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
 * Records are counted, not milliseconds: to ask for the time costs as much as to look at one.
 */
export class Turns {
  readonly #records: number;
  #left: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Called once nothing is looked at any more. */
  onRest: (() => void) | null = null;

  constructor(records: number = TURN_RECORDS) {
    this.#records = records;
    this.#left = records;
  }

  /** Whether nothing is to be looked at any more before the next turn. */
  get isOver(): boolean {
    return this.#left <= 0;
  }

  /** So many records have been looked at. */
  readonly spend = (records: number): void => {
    this.#left -= records;
    this.#timer ??= setTimeout(() => this.#begin(), 0);
  };

  /** Wakes one in a later turn, of which the first come first. To be called when this one is over. */
  wait(client: Waiting): void {
    this.#waiting.add(client);
  }

  #begin(): void {
    this.#timer = undefined;
    this.#left = this.#records;
    if (this.#waiting.size === 0) this.onRest?.();
    for (const client of this.#waiting) {
      if (this.isOver) return;
      this.#waiting.delete(client);
      client.wake();
    }
  }
}
