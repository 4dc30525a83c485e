import { setTimeout as delay } from 'node:timers/promises';
import type { Topic } from './kafka.ts';

const PAUSE_MS = 40;

/** Writes to the partitions of a topic in turn until it is stopped, brokers there or not. */
export class Load implements AsyncDisposable {
  /** Records that brokers have taken. */
  acked = 0;
  #isStopped = false;
  readonly #ended: Promise<unknown>;

  constructor(topic: Topic, partitions: number) {
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    this.#ended = Promise.all(numbers.map((partition) => this.#write(topic, partition)));
  }

  async #write(topic: Topic, partition: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n++) {
      try {
        await topic.produce({ value: `${partition}-${n}`, partition });
        this.acked++;
      } catch {
        // Taken or not: what is in the log counts.
      }
      await delay(PAUSE_MS);
    }
  }

  /** Nothing is written any more after this. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
