/** Lets through a number at once; the others wait for their turn, in the order in which they came. */
export class Gate {
  readonly #atOnce: number;
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
    this.#free = atOnce;
  }

  async pass<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#enter();
    if (turn !== null) await turn;
    try {
      return await action();
    } finally {
      this.#leave();
    }
  }

  /** Once those before have left, and with nobody beside it. */
  async alone<T>(action: () => Promise<T>): Promise<T> {
    const places = Array.from({ length: this.#atOnce });
    await Promise.all(places.map(() => this.#enter()));
    try {
      return await action();
    } finally {
      for (const _ of places) this.#leave();
    }
  }

  /** @returns the wait for a place; `null` where one is free. */
  #enter(): Promise<void> | null {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.add(resolve));
    this.#free--;
    return null;
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
