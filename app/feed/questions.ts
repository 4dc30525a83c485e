import { getLogger } from '@logtape/logtape';
import { abortableDelay } from '../waits/abortable.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/** What could not be answered is asked again after this, in milliseconds: clients wait for it. */
const PAUSE_MS = 500;

/** How questions of one kind are asked. */
export interface QuestionsOptions<Key, Answer> {
  /** Leaves out what cannot be told now. @throws where nothing can. */
  readonly ask: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Answer>>;
  /** So many different ones at once. */
  readonly atOnce: number;
  /** Nothing is asked or answered once it aborts. */
  readonly signal: AbortSignal;
}

type Asker<Answer> = (answer: Answer) => void;

/**
 * What clients want to know of Kafka, in the order in which they came: equal questions are one, and
 * there is a most at once, however many clients there are. Who asks gets an answer that was asked
 * for after it came; what nobody waits for any more is not asked.
 */
export class Questions<Key, Answer> {
  readonly #options: QuestionsOptions<Key, Answer>;
  /** Who waits for what is still to be asked. */
  #waiting = new Map<Key, Set<Asker<Answer>>>();
  /** Who waits for what is being asked. */
  #asked = new Map<Key, Set<Asker<Answer>>>();
  #isAsking = false;

  constructor(options: QuestionsOptions<Key, Answer>) {
    this.#options = options;
  }

  /** @returns how to take the question back */
  ask(key: Key, use: (answer: Answer) => void): () => void {
    // A function of its own, so that the same one may ask twice.
    const asker: Asker<Answer> = (answer) => use(answer);
    this.#wait(key, [asker]);
    if (!this.#isAsking) void this.#askAll();
    return () => {
      this.#asked.get(key)?.delete(asker);
      const waiting = this.#waiting.get(key);
      waiting?.delete(asker);
      if (waiting?.size === 0) this.#waiting.delete(key);
    };
  }

  #wait(key: Key, askers: Iterable<Asker<Answer>>): void {
    for (const asker of askers) {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting.add(asker));
    }
  }

  async #askAll(): Promise<void> {
    const { signal } = this.#options;
    this.#isAsking = true;
    while (this.#waiting.size > 0 && !signal.aborted) {
      if (await this.#askSome()) continue;
      // The others come first: one that cannot be answered must not keep them.
      for (const [key, askers] of this.#asked) this.#wait(key, askers);
      this.#asked.clear();
      await abortableDelay(PAUSE_MS, signal);
    }
    this.#isAsking = false;
  }

  /** @returns whether all of them are answered */
  async #askSome(): Promise<boolean> {
    const { ask, atOnce, signal } = this.#options;
    for (const [key, askers] of this.#waiting) {
      if (this.#asked.size === atOnce) break;
      this.#asked.set(key, askers);
      this.#waiting.delete(key);
    }
    let answers: ReadonlyMap<Key, Answer>;
    try {
      answers = await ask([...this.#asked.keys()]);
    } catch (error) {
      logger.debug('Cannot answer what clients ask: {error}', { error });
      return false;
    }
    if (signal.aborted) return false;
    for (const [key, answer] of answers) {
      for (const asker of this.#asked.get(key) ?? []) tell(asker, answer);
      this.#asked.delete(key);
    }
    return this.#asked.size === 0;
  }
}

/** Trouble with one client is not the others'. */
function tell<Answer>(asker: Asker<Answer>, answer: Answer): void {
  try {
    asker(answer);
  } catch (error) {
    logger.error('A client cannot take an answer: {error}', { error });
  }
}
