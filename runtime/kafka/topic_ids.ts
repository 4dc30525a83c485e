import { coalesced } from '../../app/coalesced.ts';

/** So old may an answer be that was asked for another topic; a check takes its own for as long again. */
const SHARED_MS = 20;
/** A topic that was not asked for within this time is not read any more. */
const WANTED_MS = 1000;

/**
 * The ids of all topics that are read, asked for in one question: 50 a second at the most, however
 * many topics there are, and however many read each of them.
 */
export class TopicIds {
  /** When each topic was asked for last. */
  readonly #wanted = new Map<string, number>();
  #answers: ReadonlyMap<string, Uint8Array | null> = new Map();
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #askAll: () => Promise<void>;

  /** @param ask tells `null` of a topic that does not exist, and leaves out what it cannot tell */
  constructor(ask: (topics: string[]) => Promise<ReadonlyMap<string, Uint8Array | null>>) {
    this.#askAll = coalesced(async () => {
      const begun = performance.now();
      for (const [topic, at] of this.#wanted) {
        if (begun - at > WANTED_MS) this.#wanted.delete(topic);
      }
      this.#answers = await ask([...this.#wanted.keys()]);
      this.#askedAt = begun;
    });
  }

  /** The id of the topic that has a name now. @throws when the brokers do not tell. */
  async idOf(topic: string): Promise<Uint8Array | null> {
    const now = performance.now();
    this.#wanted.set(topic, now);
    const isFresh = now - this.#askedAt < SHARED_MS && this.#answers.has(topic);
    if (!isFresh) await this.#askAll();
    const id = this.#answers.get(topic);
    if (id === undefined) throw new Error(`the brokers do not tell the id of topic ${topic}`);
    return id;
  }
}
