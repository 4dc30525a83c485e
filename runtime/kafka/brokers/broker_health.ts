import { getLogger } from '@logtape/logtape';
import type { BrokerStatus } from '../../../app/ports/source.ts';
import { brokerTrouble } from './broker_trouble.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** Each trouble is told at once and then this often, in milliseconds, however it comes and goes. */
const REPEAT_MS = 60_000;

/** So many different ones are told in that time. */
const MAX_TOLD = 100;

/** What the brokers were asked for. */
type Step = 'describe' | 'offsets' | 'read';
const STEPS: readonly Step[] = ['describe', 'offsets', 'read'];

/**
 * Whether the brokers answer, and what is wrong. They count as up for as long as one of them answers
 * what any of them knows: that others refuse, or that something cannot be read, is told beside it.
 */
export class BrokerHealth {
  /** Why none of them answers, or takes the login. */
  #down: string | null = 'not asked yet';
  /** What is wrong although they answer, by step, topic and partition; the last one met is last. */
  readonly #troubles = new Map<string, string>();
  /** When each trouble was told last, by its words. */
  readonly #told = new Map<string, number>();
  /** Whether one was told since all was well. */
  #isTold = false;

  get status(): BrokerStatus {
    if (this.#down !== null) return { up: false, error: this.#down };
    return { up: true, error: [...this.#troubles.values()].at(-1) ?? null };
  }

  /** @param partition where it was one only that was in trouble */
  answered(step: Step, topic: string, partition?: number): void {
    this.#down = null;
    this.#troubles.delete(key(step, topic, partition));
    if (!this.#isTold || this.#troubles.size > 0) return;
    this.#isTold = false;
    logger.info('Kafka can be read again');
  }

  /** The topic is not there: whatever was wrong with it is over. */
  gone(topic: string): void {
    for (const step of STEPS) {
      this.ended(step, topic);
      this.answered(step, topic);
    }
  }

  /** Nobody tries any more. */
  ended(step: Step, topic: string): void {
    for (const known of this.#troubles.keys()) {
      if (known.startsWith(key(step, topic))) this.#troubles.delete(known);
    }
  }

  /** Of all brokers that were asked. */
  failed(step: Step, topic: string, error: unknown): void {
    const trouble = brokerTrouble(error, topic, 'any');
    if (trouble === null) {
      this.answered(step, topic);
      return;
    }
    const { words, up } = trouble;
    this.#down = up ? null : words;
    if (up) this.#note(key(step, topic), words);
    this.#tell(words);
  }

  /** Of the one broker that has the answer: others may answer other questions. */
  failedAt(step: Step, topic: string, error: unknown, partition?: number): void {
    const trouble = brokerTrouble(error, topic, 'one');
    if (trouble === null) {
      this.answered(step, topic, partition);
      return;
    }
    this.#note(key(step, topic, partition), trouble.words);
    this.#tell(trouble.words);
  }

  #note(trouble: string, words: string): void {
    this.#troubles.delete(trouble);
    this.#troubles.set(trouble, words);
  }

  #tell(words: string): void {
    const now = performance.now();
    if (now - (this.#told.get(words) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    // Words may hold what differs each time, as addresses and ports do.
    for (const [other, at] of this.#told) if (now - at >= REPEAT_MS) this.#told.delete(other);
    if (this.#told.size >= MAX_TOLD) return;
    this.#told.set(words, now);
    this.#isTold = true;
    logger.warn('Cannot read from Kafka, trying again: {error}', { error: words });
  }
}

function key(step: Step, topic: string, partition?: number): string {
  return `${step} ${topic} ${partition ?? ''}`;
}
