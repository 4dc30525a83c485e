import type { Health } from '../../app/describe/admin.ts';

/** A worker says so often that it lives, in milliseconds: one that is silent for 30 s is killed. */
const SIGN_OF_LIFE_MS = 5000;

/** What the primary process is told of a worker's health: each message wakes both, so it is told news. */
export class HealthReport {
  readonly #send: (health: Health) => void;
  #told = '';
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(send: (health: Health) => void) {
    this.#send = send;
  }

  /** Tells it where it is another than before, or nothing was told for some seconds. */
  tell(health: Health): void {
    const words = JSON.stringify(health);
    const now = performance.now();
    if (words === this.#told && now - this.#toldAt < SIGN_OF_LIFE_MS) return;
    this.#told = words;
    this.#toldAt = now;
    this.#send(health);
  }
}
