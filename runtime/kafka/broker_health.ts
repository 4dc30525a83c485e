import { getLogger } from '@logtape/logtape';
import type { BrokerStatus } from '../../app/source.ts';
import { type BrokerTrouble, brokerTrouble } from './broker_trouble.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** While a trouble lasts it is told this often, in milliseconds. */
const REPEAT_MS = 60_000;

/** What the brokers were asked for; one may fail while the others do not. */
type Step = 'describe' | 'offsets' | 'read';
const STEPS: readonly Step[] = ['describe', 'offsets', 'read'];

/** Whether the brokers answer, and what is wrong; each trouble is told at once, then once a minute. */
export class BrokerHealth {
  /** By step and topic. */
  readonly #troubles = new Map<string, BrokerTrouble>();
  /** When each was told last, by its words. */
  readonly #told = new Map<string, number>();
  #wasAsked = false;

  get status(): BrokerStatus {
    const troubles = [...this.#troubles.values()];
    const worst = troubles.find(({ up }) => !up) ?? troubles[0];
    if (worst !== undefined) return { up: worst.up, error: worst.words };
    return this.#wasAsked ? { up: true, error: null } : { up: false, error: 'not asked yet' };
  }

  answered(step: Step, topic: string): void {
    this.#wasAsked = true;
    if (this.#troubles.size === 0) return;
    this.ended(step, topic);
    if (this.#troubles.size === 0) logger.info('Kafka can be read again');
  }

  /** Nobody tries any more. */
  ended(step: Step, topic: string): void {
    this.#troubles.delete(`${step} ${topic}`);
    if (this.#troubles.size === 0) this.#told.clear();
  }

  /** The topic is not there: whatever was wrong with it is over. */
  gone(topic: string): void {
    for (const step of STEPS) this.answered(step, topic);
  }

  failed(step: Step, topic: string, error: unknown): void {
    this.#wasAsked = true;
    const trouble = brokerTrouble(error, topic);
    if (trouble === null) {
      this.answered(step, topic);
      return;
    }
    const { words } = trouble;
    this.#troubles.set(`${step} ${topic}`, trouble);
    const now = performance.now();
    if (now - (this.#told.get(words) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    this.#told.set(words, now);
    logger.warn('Cannot read from Kafka, trying again: {error}', { error: words });
  }
}
