import { getLogger } from '@logtape/logtape';
import { backoff } from '../../../app/waits/abortable.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** It is renewed after this share of its life: what is left is for a server that is down. */
const RENEW_AT = 0.6;
/** Nothing can be done with one that is over sooner. */
const LEAST_LEFT_MS = 1000;
/** One that is refused sooner after it came is not asked for anew: the next would be refused, too. */
const TRUSTED_MS = 5000;
/** Trouble is told at once, and then this often. */
const REPEAT_MS = 60_000;
/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Shows the brokers who the gateway is. */
export interface Token {
  readonly value: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** None can be had now; the message says why, in words that whoever operates the gateway can use. */
export class NoTokenError extends Error {}

/**
 * The tokens of one gateway, for both Kafka clients and all their connections. From when it is first
 * asked it keeps one at hand, and renews it long before it is over: while nobody gives a new one, the
 * last does for as long as it lasts.
 */
export class TokenSource {
  readonly #ask: () => Promise<Token>;
  #token: Token | null = null;
  #tookAt = 0;
  #attempt: Promise<Token> | null = null;
  /** In a row. */
  #failures = 0;
  #error: NoTokenError | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #waiting = new Set<() => void>();

  /** @param ask for a token; rejects with why there is none */
  constructor(ask: () => Promise<Token>) {
    this.#ask = ask;
  }

  /**
   * One that can be used now.
   * @throws NoTokenError where none can be had: whoever needs it asks again later.
   */
  async get(): Promise<Token> {
    const token = this.#valid;
    if (token !== null) return token;
    // It is being tried again, by itself.
    if (this.#error !== null && this.#attempt === null) throw this.#error;
    return this.#renew();
  }

  /**
   * One that can be used now, and is another than `last`, however long that takes; `use` is not called
   * once the signal has aborted.
   */
  next(last: Token | null, signal: AbortSignal, use: (token: Token) => void): void {
    const look = (): void => {
      const token = this.#valid;
      if (token === null || token.value === last?.value) return;
      end();
      use(token);
    };
    const end = (): void => {
      this.#waiting.delete(look);
      signal.removeEventListener('abort', end);
    };
    if (signal.aborted) return;
    this.#waiting.add(look);
    signal.addEventListener('abort', end);
    look();
    if (this.#waiting.has(look)) this.get().catch(() => {}); // It is told in the log.
  }

  /**
   * The brokers do not take it: it may have been taken back, or its key is another, so another one is
   * asked for. Until that comes it stays: they may be wrong, as where they cannot have the keys.
   */
  refused(token: Token): void {
    if (token !== this.#token || this.#attempt !== null || this.#failures > 0) return;
    if (performance.now() - this.#tookAt >= TRUSTED_MS) this.#renewIn(0);
  }

  get #valid(): Token | null {
    const token = this.#token;
    return token !== null && token.expiresAt - Date.now() > LEAST_LEFT_MS ? token : null;
  }

  #renew(): Promise<Token> {
    clearTimeout(this.#timer);
    this.#attempt ??= this.#try().finally(() => {
      this.#attempt = null;
    });
    return this.#attempt;
  }

  async #try(): Promise<Token> {
    try {
      const token = await this.#ask();
      if (token.expiresAt - Date.now() <= LEAST_LEFT_MS) throw new Error('it is over already');
      if (token.value === this.#token?.value && token.expiresAt === this.#token.expiresAt) {
        // Whoever keeps the file fresh has not done so yet.
        this.#renewIn(backoff(++this.#failures));
        return token;
      }
      this.#took(token);
      return token;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#failed(new NoTokenError(`no token for the brokers: ${why}`));
    }
  }

  #took(token: Token): void {
    if (this.#error !== null) logger.info('There is a token for the brokers again');
    this.#token = token;
    this.#tookAt = performance.now();
    this.#failures = 0;
    this.#error = null;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.#renewIn((token.expiresAt - Date.now()) * RENEW_AT);
    for (const look of this.#waiting) look();
  }

  #failed(error: NoTokenError): NoTokenError {
    this.#error = error;
    this.#renewIn(backoff(++this.#failures));
    const now = performance.now();
    if (now - this.#toldAt < REPEAT_MS) return error;
    this.#toldAt = now;
    const left = Math.max(0, Math.round(((this.#token?.expiresAt ?? 0) - Date.now()) / 1000));
    logger.warn('{error}; trying again, the one at hand lasts for {left} s', {
      error: error.message,
      left,
    });
    return error;
  }

  /** Not for that alone does a process go on. */
  #renewIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#renew().catch(() => {}),
      Math.min(milliseconds, MAX_TIMER_MS),
    );
    (this.#timer as { unref?: () => void }).unref?.();
  }
}
