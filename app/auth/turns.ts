/** So many at once; the others wait for a turn, first come first served. */
export class Turns {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns whether there was a turn in so many milliseconds; it has to be given back then. */
  take(milliseconds: number): Promise<boolean> {
    if (this.#taken < this.#most) {
      this.#taken++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const begin = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(begin);
        resolve(false);
      }, milliseconds);
      this.#waiting.add(begin);
    });
  }

  giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
