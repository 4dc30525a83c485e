/** So old may an answer be that was asked for another topic; a check takes its own for as long again. */
const SHARED_MS = 20;
/** A topic that was not asked for within this time is not read any more. */
const WANTED_MS = 1000;

type Ids = ReadonlyMap<string, Uint8Array | null>;

interface Question {
  readonly askedAt: number;
  /** What it is asked of; `null` until it is sent, in the same tick. */
  topics: ReadonlySet<string> | null;
  readonly answers: Promise<Ids>;
}

/**
 * The ids of all topics that are read, asked for in one question: 50 a second at the most, however
 * many topics there are, and however many read each of them.
 */
export class TopicIds {
  readonly #ask: (topics: string[]) => Promise<Ids>;
  readonly #now: () => number;
  /** When each topic was asked for last. */
  readonly #wanted = new Map<string, number>();
  #last: Question | null = null;

  /** @param ask tells `null` of a topic that does not exist, and leaves out what it cannot tell */
  constructor(ask: (topics: string[]) => Promise<Ids>, now = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  /** The id of the topic that has a name now. @throws when the brokers do not tell. */
  async idOf(topic: string): Promise<Uint8Array | null> {
    const now = this.#now();
    this.#wanted.set(topic, now);
    if (!this.#isTold(topic, now)) this.#last = this.#askAll(now);
    const id = (await this.#last!.answers).get(topic);
    if (id === undefined) throw new Error(`the brokers do not tell the id of topic ${topic}`);
    return id;
  }

  /** Whether the last question is of a topic, and young enough. */
  #isTold(topic: string, now: number): boolean {
    if (this.#last === null || now - this.#last.askedAt >= SHARED_MS) return false;
    return this.#last.topics === null || this.#last.topics.has(topic);
  }

  #askAll(now: number): Question {
    for (const [topic, at] of this.#wanted) if (now - at > WANTED_MS) this.#wanted.delete(topic);
    const send = async (): Promise<Ids> => {
      // Lets the others of this tick come along.
      await null;
      const topics = [...this.#wanted.keys()];
      question.topics = new Set(topics);
      return this.#ask(topics);
    };
    const question: Question = { askedAt: now, topics: null, answers: send() };
    return question;
  }
}
