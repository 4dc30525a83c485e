import { getLogger } from '@logtape/logtape';
import { abortableDelay } from '../waits/abortable.ts';
import type { KeySet } from './keys.ts';

const logger = getLogger(['sse-kafka', 'auth']);

/** A key that nobody knows is asked for so often at most. */
const UNKNOWN_KEY_MS = 10_000;
/** Until the first keys are there, and after an answer that was none. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** Where keys come from. */
export interface KeySource {
  /** In words, for the log and readiness. */
  readonly name: string;
  /** How often to ask again, milliseconds. */
  readonly everyMs: number;
  /** @throws an error in words where there is no answer, or no key in it. */
  load(): Promise<KeySet>;
}

/**
 * The last good keys. An issuer that is out of reach, or that answers with nothing to verify with, takes
 * no key away: those who signed in yesterday come back today. (A library that keeps keys for so long
 * and no longer would refuse everybody then.)
 */
export class KeyRing {
  readonly #source: KeySource;
  readonly #onChange: () => void;
  #set: KeySet | null = null;
  /** When they were last heard of, `performance.now()`. */
  #goodAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #error: string | null = 'not asked yet';
  #loading: Promise<void> | null = null;

  /** @param onChange called when other keys have taken the place of those before */
  constructor(source: KeySource, onChange: () => void) {
    this.#source = source;
    this.#onChange = onChange;
  }

  /** Null until there was a good answer. */
  get set(): KeySet | null {
    return this.#set;
  }

  /** Why the last answer was none; null where it was good. */
  get error(): string | null {
    return this.#error;
  }

  /** What is missing, in words; null once there are keys. */
  get missing(): string | null {
    return this.#set === null ? `keys of the sign-in (${this.#source.name}): ${this.#error}` : null;
  }

  /** Since the last good answer; null before it. */
  get ageSeconds(): number | null {
    return this.#set === null ? null : (performance.now() - this.#goodAt) / 1000;
  }

  /** Asks for the keys, again and again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let retryMs = MIN_RETRY_MS;
    while (!signal.aborted) {
      await this.#load();
      const isGood = this.#error === null;
      await abortableDelay(isGood ? this.#source.everyMs : retryMs, signal);
      retryMs = isGood ? MIN_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS, this.#source.everyMs);
    }
  }

  /** Asks once more, since a token names a key that is not there; once in 10 s at most. */
  async askForUnknown(): Promise<void> {
    if (this.#loading === null && performance.now() - this.#askedAt < UNKNOWN_KEY_MS) return;
    await this.#load();
  }

  /** One question at a time. */
  #load(): Promise<void> {
    this.#loading ??= this.#ask().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    const { name } = this.#source;
    try {
      const set = await this.#source.load();
      const isOther = set.text !== this.#set?.text;
      this.#set = set;
      this.#goodAt = performance.now();
      this.#error = null;
      if (!isOther) return;
      logger.info('{count} keys of the sign-in from {name}', { count: set.keys.length, name });
      this.#onChange();
    } catch (error) {
      const why = (error as Error).message;
      // Once for each trouble: it is asked again and again.
      if (why !== this.#error) {
        const kept = this.#set === null ? 'nobody can sign in' : 'those before are kept';
        logger.warn('No keys of the sign-in from {name}: {why}; {kept}', { name, why, kept });
      }
      this.#error = why;
    }
  }
}
