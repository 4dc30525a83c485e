/** A client that waits. */
interface Sleeper {
  /** Whether it waits for the feed to come to where it is. */
  readonly isAhead: boolean;
  /** Ends the wait. Never throws. */
  wake(): void;
}

/** The clients that have all there is, and wait for the feed's next records. */
export class Sleepers {
  #sleepers = new Set<Sleeper>();

  get size(): number {
    return this.#sleepers.size;
  }

  add(sleeper: Sleeper): void {
    this.#sleepers.add(sleeper);
  }

  delete(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
  }

  wakeAll(): void {
    const sleeping = this.#sleepers;
    // Who has nothing to take waits again.
    this.#sleepers = new Set();
    for (const sleeper of sleeping) sleeper.wake();
  }

  /** Those ahead of the feed hear of a cut before the feed comes that far. */
  wakeAhead(): void {
    for (const sleeper of [...this.#sleepers].filter(({ isAhead }) => isAhead)) {
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}
