import { setTimeout as delay } from 'node:timers/promises';
import type { Topic } from './kafka.ts';

/** Writes the values 0, 1, 2 … to a topic until it is stopped. */
export class NumberedLoad {
  count = 0;
  #isStopped = false;
  readonly #ended: Promise<void>;

  constructor(topic: Topic) {
    this.#ended = (async () => {
      for (; !this.#isStopped; this.count++) {
        await topic.produce({ value: `${this.count}` });
        await delay(10);
      }
    })();
  }

  /** @returns all that was written */
  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await this.#ended;
    return Array.from({ length: this.count }, (_, n) => `${n}`);
  }
}
