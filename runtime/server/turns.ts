interface Task {
  readonly run: () => unknown;
  readonly laterMs: number;
}

/**
 * Hands out work in portions, so that all else gets its turn between them. Who has much waits behind
 * who has little: of each owner one task is taken after the other.
 *
 * A portion is begun by a timer. Where something is to be done in the next turn of the event loop, as
 * by `setImmediate`, Deno 2.9 looks at the network once in 61 turns: a record waited for 61 portions (docs/benchmark.md).
 * While a timer runs it is looked at as often as something comes.
 */
export class Turns {
  readonly #turnMs: number;
  readonly #now: () => number;
  readonly #waiting = new Map<object, Task[]>();
  /** What is left of the turn under way. */
  #leftMs = 0;
  #isUnderWay = false;

  /** @param turnMs what one turn may cost */
  constructor(turnMs: number, now = () => performance.now()) {
    this.#turnMs = turnMs;
    this.#now = now;
  }

  /**
   * Does it at once where there is time in this turn and nothing waits, and later where not.
   * @param run returns false where it has begun nothing
   * @param laterMs what it costs in promises and ticks, after it has returned
   */
  take(owner: object, run: () => unknown, laterMs = 0): void {
    if (!this.#isUnderWay) this.#begin();
    const task = { run, laterMs };
    if (this.#leftMs > 0 && this.#waiting.size === 0) {
      this.#do(task);
      return;
    }
    const tasks = this.#waiting.get(owner);
    if (tasks === undefined) this.#waiting.set(owner, [task]);
    else tasks.push(task);
  }

  #begin(): void {
    this.#isUnderWay = true;
    this.#leftMs = this.#turnMs;
    setTimeout(this.#turn, 0);
  }

  readonly #turn = (): void => {
    this.#isUnderWay = this.#waiting.size > 0;
    if (!this.#isUnderWay) return;
    this.#begin();
    for (const [owner, tasks] of this.#waiting) {
      if (this.#leftMs <= 0) return;
      this.#waiting.delete(owner);
      const task = tasks.shift()!;
      // Behind all others.
      if (tasks.length > 0) this.#waiting.set(owner, tasks);
      this.#do(task);
    }
  };

  #do({ run, laterMs }: Task): void {
    const begun = this.#now();
    const later = run() === false ? 0 : laterMs;
    this.#leftMs -= this.#now() - begun + later;
  }
}
