import { getLogger } from '@logtape/logtape';
import type { BrokerStatus } from '../../app/source.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** While trouble lasts it is told this often, in milliseconds. */
const REPEAT_MS = 60_000;

/** Whether the brokers answer; tells when that changes, and once a minute while they do not. */
export class BrokerHealth {
  #error: string | null = 'not asked yet';
  /** Why the last connection failed, in the client's words. */
  #reason: string | null = null;
  #told = Number.NEGATIVE_INFINITY;

  get status(): BrokerStatus {
    return { up: this.#error === null, error: this.#error };
  }

  answered(): void {
    if (this.#error !== null && Number.isFinite(this.#told))
      logger.info('The brokers answer again');
    this.#error = null;
    this.#reason = null;
    this.#told = Number.NEGATIVE_INFINITY;
  }

  /** Tells why a connection failed; whether that is trouble, `failed` tells. */
  reason(words: string): void {
    this.#reason = words;
    if (this.#error !== null) this.#error = words;
  }

  failed(error: unknown): void {
    this.#error = this.#reason ?? (error instanceof Error ? error.message : String(error));
    const now = performance.now();
    if (now - this.#told < REPEAT_MS) return;
    this.#told = now;
    logger.warn('The brokers do not answer, trying again: {error}', { error: this.#error });
  }
}
