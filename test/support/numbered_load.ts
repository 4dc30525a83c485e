import { setTimeout as delay } from 'node:timers/promises';
import type { Topic } from './kafka.ts';

/** Writes the values 0, 1, 2 … to a topic until it is stopped, or its case has failed. */
export class NumberedLoad implements AsyncDisposable {
  count = 0;
  /** When Kafka had taken each, by `performance.now()`. */
  readonly takenAt: number[] = [];
  #isStopped = false;
  readonly #ended: Promise<void>;

  constructor(topic: Topic) {
    this.#ended = (async () => {
      for (; !this.#isStopped; this.count++) {
        await topic.produce({ value: `${this.count}` });
        this.takenAt.push(performance.now());
        await delay(10);
      }
    })();
    this.#ended.catch(() => {}); // It is told to who stops it.
  }

  /** @returns all that was written */
  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await this.#ended;
    return Array.from({ length: this.count }, (_, n) => `${n}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#ended.catch(() => {});
  }
}
