import type { Subscription } from './subscription.ts';

/** The clients that have all there is, and wait for the feed's next records. */
export class Waiting {
  #subscriptions = new Set<Subscription>();

  get size(): number {
    return this.#subscriptions.size;
  }

  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
  }

  delete(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  wakeAll(): void {
    const waiting = this.#subscriptions;
    // Who has nothing to take waits again.
    this.#subscriptions = new Set();
    for (const subscription of waiting) subscription.wake();
  }

  /** Those ahead of the feed hear of a cut before the feed comes that far. */
  wakeAhead(): void {
    for (const subscription of [...this.#subscriptions].filter(({ isAhead }) => isAhead)) {
      this.#subscriptions.delete(subscription);
      subscription.wake();
    }
  }
}
