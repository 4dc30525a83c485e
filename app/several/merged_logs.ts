import { getLogger } from '@logtape/logtape';
import { areSameParts } from '../wire/topics_cursor.ts';
import { type HeldBytes, MergedLog } from './merged_log.ts';
import type { SeveralTopics, TopicOfStream } from './several_topics.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/** The clients that want the same of the same topics. */
export class MergedGroup {
  readonly #held: HeldBytes;
  readonly #onEnd: () => void;
  #clients = 0;
  #log: MergedLog | null = null;
  #reader: SeveralTopics | null = null;

  /** Between two beats; `null` for none. */
  readonly everyMs: number | null;

  /** @param onEnd is called once nobody is in it any more */
  constructor(everyMs: number | null, held: HeldBytes, onEnd: () => void) {
    this.everyMs = everyMs;
    this.#held = held;
    this.#onEnd = onEnd;
  }

  enter(): void {
    this.#clients++;
  }

  leave(): void {
    if (--this.#clients === 0) this.#onEnd();
  }

  /** To be called where nobody may have entered. */
  letGo(): void {
    if (this.#clients === 0) this.#onEnd();
  }

  failed(error: unknown): void {
    logger.error('A client cannot be woken: {error}', { error });
  }

  isReader(one: SeveralTopics): boolean {
    return this.#reader === one;
  }

  /**
   * The log that a client may go on in, at its end; `null` where there is none. What reads for the first
   * of several reads for all from then on.
   * @param own what reads for it, which is settled
   */
  logFor(own: SeveralTopics, topics: readonly TopicOfStream[]): MergedLog | null {
    const log = this.#log;
    if (log !== null) {
      log.catchUp();
      const { places } = log;
      return places !== null && areSameParts(places, own.places) ? log : null;
    }
    if (this.#clients < 2) return null;
    const made = new MergedLog(topics, own, this.#held, () => {
      if (this.#log !== made) return;
      this.#log = null;
      this.#reader = null;
    });
    this.#log = made;
    this.#reader = own;
    return made;
  }
}

/** Clients of several topics, by what they want. */
export class MergedLogs {
  readonly #groups = new Map<string, MergedGroup>();
  readonly #held: HeldBytes = { bytes: 0 };
  readonly #numbers = new WeakMap<object, number>();
  #count = 0;

  /** @param wanted the same objects where the same is wanted */
  group(wanted: readonly object[], everyMs: number | null): MergedGroup {
    const name = `${wanted.map((one) => this.#numberOf(one))} ${everyMs}`;
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = new MergedGroup(everyMs, this.#held, () => this.#groups.delete(name));
    this.#groups.set(name, group);
    return group;
  }

  #numberOf(one: object): number {
    const number = this.#numbers.get(one) ?? ++this.#count;
    this.#numbers.set(one, number);
    return number;
  }
}
