import type { TopicIdentity } from '../../../app/ports/source.ts';
import { within } from '../../../app/waits/abortable.ts';

/** Deleting a topic, making it anew, writing to it and reading it took 60 ms at the least (measured). */
const FRESH_MS = 20;
/**
 * How long records wait for the answer: brokers in trouble make no topic anew. One that is well may
 * take 250 ms where its machine is busy (seen), and then records of another topic were let through.
 */
const ANSWER_MS = 1000;
/** How long nothing is asked after that. */
const PAUSE_MS = 1000;
const NO_ID = '0,0,0,0';

/**
 * Whether records that came are of the topic that was meant, for a client that reads by name: when
 * the topic is made anew it goes on at its old offset in the new one, without a word.
 *
 * Costs one question (0.5 ms) for records that come after a pause, and 50 a second at the most.
 */
export class TopicCheck {
  readonly #topic: TopicIdentity;
  readonly #askId: () => Promise<Uint8Array | null>;
  #freshUntil = 0;

  /** @param askId the id of the topic that has the name now, `null` where there is none */
  constructor(topic: TopicIdentity, askId: () => Promise<Uint8Array | null>) {
    this.#topic = topic;
    this.#askId = askId;
  }

  /** Once records have come. @throws when they may be another topic's. */
  async assertSame(signal: AbortSignal): Promise<void> {
    const { id } = this.#topic;
    const now = performance.now();
    if (now < this.#freshUntil || String(id) === NO_ID) return;
    let found: Uint8Array | null;
    try {
      found = await within(this.#askId(), ANSWER_MS, signal);
    } catch {
      this.#freshUntil = performance.now() + PAUSE_MS;
      return;
    }
    assertSame(this.#topic, found);
    this.#freshUntil = now + FRESH_MS;
  }
}

/** @throws when the id that a topic's name has now, if any, is not that of the one that was meant. */
export function assertSame({ name, id }: TopicIdentity, found: Uint8Array | null): void {
  if (String(id) === NO_ID || String(found) === String(id)) return;
  throw new Error(`topic ${name} was deleted or made anew`);
}
