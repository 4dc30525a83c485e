import { getLogger } from '@logtape/logtape';
import { abortableDelay, backoff } from '../waits/abortable.ts';
import { type Decoder, decoderOf } from './decoder.ts';
import type { Registry } from './registry.ts';
import type { SchemaKey } from './schema_id.ts';

const logger = getLogger(['sse-kafka', 'decode']);

/** What the registry does not know is asked for again after this. */
const UNKNOWN_MS = 60_000;
/** Whoever may write can make up ids: of those so many are remembered, */
const MAX_UNKNOWN = 10_000;
/** and so many wait to be asked for. */
const MAX_WANTED = 1000;
/** Questions under way at once; one alone while there are no answers. */
const AT_ONCE = 8;

const MAX_TIMER_MS = 2 ** 31 - 1;

/** Whether the registry answers, and why it does not. */
export interface RegistryStatus {
  readonly up: boolean;
  readonly error: string | null;
}

/**
 * The schemas that records name: each is asked for once, and kept for as long as the process runs.
 * What cannot be asked now is asked again until there is an answer.
 */
export class Schemas {
  readonly #registry: Registry;
  readonly #now: () => number;
  readonly #known = new Map<SchemaKey, Decoder>();
  /** Those that the registry does not have, and when it said so. */
  readonly #unknown = new Map<SchemaKey, number>();
  /** Those to ask for, the first one first. */
  readonly #wanted = new Set<SchemaKey>();
  readonly #asked = new Set<SchemaKey>();
  readonly #waiting = new Set<() => void>();
  readonly #closed = new AbortController();
  /** How often in a row there was no answer. */
  #failures = 0;
  #isPausing = false;
  #error: string | null = null;
  /** Counts how often it came back: what lies between is one outage. */
  outages = 0;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(registry: Registry, now: () => number = () => performance.now()) {
    this.#registry = registry;
    this.#now = now;
  }

  get status(): RegistryStatus {
    return { up: this.#error === null, error: this.#error };
  }

  /** `null` where it is not known now. */
  get(key: SchemaKey): Decoder | null {
    return this.#known.get(key) ?? null;
  }

  /** Whether the registry said that it has none. */
  isUnknown(key: SchemaKey): boolean {
    return this.#unknown.has(key);
  }

  /** Whether it is known, or known not to be there for now. */
  isSettled(key: SchemaKey): boolean {
    if (this.#known.has(key)) return true;
    const saidAt = this.#unknown.get(key);
    return saidAt !== undefined && this.#now() - saidAt < UNKNOWN_MS;
  }

  /** Asks for a schema that is not settled. @returns false where too many are asked for */
  want(key: SchemaKey): boolean {
    if (this.#asked.has(key) || this.#wanted.has(key)) return true;
    if (this.#wanted.size >= MAX_WANTED) return false;
    this.#wanted.add(key);
    this.#askMore();
    return true;
  }

  /** Ends when a question ends, or when the time is over. */
  changed(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(milliseconds, MAX_TIMER_MS));
      signal.addEventListener('abort', end);
      this.#waiting.add(end);
      if (signal.aborted) end();
    });
  }

  /** Asks nothing any more. */
  close(): void {
    this.#closed.abort();
    this.#wanted.clear();
  }

  #askMore(): void {
    const most = this.#error === null ? AT_ONCE : 1;
    for (const key of this.#wanted) {
      if (this.#isPausing || this.#asked.size >= most) return;
      this.#wanted.delete(key);
      this.#asked.add(key);
      void this.#ask(key);
    }
  }

  async #ask(key: SchemaKey): Promise<void> {
    try {
      const found = await this.#registry.schema(key);
      if (found === null) this.#noteUnknown(key);
      else {
        this.#unknown.delete(key);
        this.#known.set(key, await decoderOf(found, `schema.${key}`));
      }
      this.#answered();
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#wanted.add(key);
      this.#failed((error as Error).message);
    }
    this.#asked.delete(key);
    for (const wake of [...this.#waiting]) wake();
    this.#askMore();
  }

  #noteUnknown(key: SchemaKey): void {
    this.#unknown.delete(key);
    this.#unknown.set(key, this.#now());
    if (this.#unknown.size <= MAX_UNKNOWN) return;
    const [oldest] = this.#unknown.keys();
    this.#unknown.delete(oldest!);
  }

  #answered(): void {
    this.#failures = 0;
    if (this.#error === null) return;
    this.#error = null;
    this.outages++;
    logger.info('The schema registry {name} answers again', { name: this.#registry.name });
  }

  #failed(why: string): void {
    // Once for each trouble: it is asked again and again.
    if (why !== this.#error && !this.#closed.signal.aborted) {
      const { name } = this.#registry;
      logger.warn('No answer of the schema registry {name}: {why}; see REGISTRY_URL', {
        name,
        why,
      });
    }
    this.#error = why;
    if (this.#isPausing) return;
    this.#isPausing = true;
    void abortableDelay(backoff(++this.#failures), this.#closed.signal).then(() => {
      this.#isPausing = false;
      if (!this.#closed.signal.aborted) this.#askMore();
    });
  }
}
