import { getLogger } from '@logtape/logtape';
import type { MergeCounts } from '../counts/stream_counts.ts';
import { areSameParts, type CursorPart } from '../wire/topics_cursor.ts';
import { type HeldBytes, MergedLog } from './merged_log.ts';
import type { SeveralTopics, TopicOfStream } from './several_topics.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/** What all logs have in common. */
interface Common {
  readonly held: HeldBytes;
  readonly counts: MergeCounts;
}

/** The clients that want the same of the same topics. */
export class MergedGroup {
  readonly #common: Common;
  readonly #onEnd: () => void;
  /** Requests that hold it: perhaps before there is a client, and of such as are refused. */
  #requests = 0;
  #clients = 0;
  #log: MergedLog | null = null;

  /** Between two beats; `null` for none. */
  readonly everyMs: number | null;

  /** @param onEnd is called once nobody holds it any more */
  constructor(everyMs: number | null, common: Common, onEnd: () => void) {
    this.everyMs = everyMs;
    this.#common = common;
    this.#onEnd = onEnd;
  }

  hold(): void {
    this.#requests++;
  }

  letGo(): void {
    if (--this.#requests === 0) this.#onEnd();
  }

  enter(): void {
    this.#clients++;
  }

  leave(): void {
    this.#clients--;
  }

  joined(): void {
    this.#common.counts.joined++;
  }

  fellBack(): void {
    this.#common.counts.fell_back++;
  }

  failed(error: unknown): void {
    logger.error('A client cannot be woken: {error}', { error });
  }

  /** Whether one client alone is in it. */
  get isForOne(): boolean {
    return this.#clients < 2;
  }

  /** Whether others join there. */
  isOpen(log: MergedLog): boolean {
    return log === this.#log;
  }

  /**
   * The log that a client may go on in, at its end; `null` where there is none. What reads for the first
   * of several reads for all from then on.
   * @param own what reads for it, which is settled
   */
  logFor(own: SeveralTopics, topics: readonly TopicOfStream[]): MergedLog | null {
    const log = this.#log;
    log?.catchUp();
    if (log?.places) return areSameParts(log.places, own.places) ? log : null;
    // Where those in it are too slow, a client begins another, to which they go over as soon as they can. Between
    // beats it is none that others could go over to.
    if (log !== null && this.everyMs !== null) return null;
    const made = new MergedLog(topics, own, this.#common.held, () => {
      if (this.#log === made) this.#log = null;
    });
    this.#log = made;
    return made;
  }

  /** That for one who stands at the end of another log; `null` where it is somewhere else. */
  logAt(places: readonly CursorPart[]): MergedLog | null {
    this.#log?.catchUp();
    const end = this.#log?.places;
    return end && areSameParts(end, places) ? this.#log : null;
  }
}

/** Clients of several topics, by what they want. */
export class MergedLogs {
  readonly #groups = new Map<string, MergedGroup>();
  readonly #common: Common;
  readonly #numbers = new WeakMap<object, number>();
  #count = 0;

  constructor(counts: MergeCounts) {
    this.#common = { held: { bytes: 0 }, counts };
  }

  /**
   * Those who want the same; to be let go of, once.
   * @param wanted the same objects where the same is wanted
   */
  group(wanted: readonly object[], everyMs: number | null): MergedGroup {
    const name = `${wanted.map((one) => this.#numberOf(one))} ${everyMs}`;
    const group =
      this.#groups.get(name) ??
      new MergedGroup(everyMs, this.#common, () => this.#groups.delete(name));
    this.#groups.set(name, group);
    group.hold();
    return group;
  }

  #numberOf(one: object): number {
    const number = this.#numbers.get(one) ?? ++this.#count;
    this.#numbers.set(one, number);
    return number;
  }
}
