import { getLogger } from '@logtape/logtape';
import type { BrokerStatus } from '../../app/source.ts';
import { brokerTrouble } from './broker_trouble.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** Each trouble is told at once and then this often, in milliseconds, however it comes and goes. */
const REPEAT_MS = 60_000;

/** What the brokers were asked for. */
type Step = 'describe' | 'offsets' | 'read';
const STEPS: readonly Step[] = ['describe', 'offsets', 'read'];

/** Whether the brokers answer, and what is wrong. */
export class BrokerHealth {
  /** Why they do not answer, or take no login. */
  #down: string | null = 'not asked yet';
  /** Rights that are lacking, by step and topic: another question is answered all the same. */
  readonly #refusals = new Map<string, string>();
  /** When each trouble was told last, by its words. */
  readonly #told = new Map<string, number>();
  /** Whether one was told since all was well. */
  #isTold = false;

  get status(): BrokerStatus {
    if (this.#down !== null) return { up: false, error: this.#down };
    const [refusal = null] = this.#refusals.values();
    return { up: true, error: refusal };
  }

  answered(step: Step, topic: string): void {
    this.#down = null;
    this.ended(step, topic);
    if (!this.#isTold || this.#refusals.size > 0) return;
    this.#isTold = false;
    logger.info('Kafka can be read again');
  }

  /** The topic is not there: whatever was wrong with it is over. */
  gone(topic: string): void {
    for (const step of STEPS) this.answered(step, topic);
  }

  /** Nobody tries any more. */
  ended(step: Step, topic: string): void {
    this.#refusals.delete(`${step} ${topic}`);
  }

  failed(step: Step, topic: string, error: unknown): void {
    const trouble = brokerTrouble(error, topic);
    if (trouble === null) {
      this.answered(step, topic);
      return;
    }
    const { words, up } = trouble;
    this.#down = up ? null : words;
    if (up) this.#refusals.set(`${step} ${topic}`, words);
    const now = performance.now();
    if (now - (this.#told.get(words) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    this.#told.set(words, now);
    this.#isTold = true;
    logger.warn('Cannot read from Kafka, trying again: {error}', { error: words });
  }
}
