import { type Delivery, type Format, identify, type Received } from './delivery.ts';
import type { Filter } from './filter.ts';
import type { Produced, ProducedTopic } from './produced.ts';
import type { Tally } from './tally.ts';

/** Events that wait for Kafka's acknowledgement; it may be as late as a frozen broker. */
const MAX_WAITING = 20_000;
/** First faults of a client, told in words. */
const MAX_NOTES = 5;

/** What all accounts of clients share: the waiting for the producer, and what is told of faults. */
export abstract class Account {
  readonly topic: ProducedTopic;
  readonly tally: Tally;
  readonly notes: string[] = [];
  readonly #format: Format;
  readonly #filter: Filter | null;
  readonly #waiting: Received[] = [];

  constructor(topic: ProducedTopic, format: Format, tally: Tally, filter: Filter | null = null) {
    this.topic = topic;
    this.tally = tally;
    this.#format = format;
    this.#filter = filter;
  }

  take(received: Received): void {
    this.#waiting.push(received);
    if (this.#waiting.length > MAX_WAITING) this.wrong(`${MAX_WAITING} events wait`);
    this.settle();
  }

  /** The client has an id, of an event of whichever topic of its stream. */
  identified(_id: string): void {}

  /** Something that must not have come. */
  wrong(why: string): void {
    this.tally.wrong++;
    this.note(`wrong: ${why}`);
  }

  /** Judges what came, as far as the producer knows of it. */
  settle(): void {
    let settled = 0;
    for (const received of this.#waiting) {
      const delivery = this.#identify(received);
      if (delivery.kind === 'early') break;
      settled++;
      this.#judge(delivery);
    }
    this.#waiting.splice(0, settled);
  }

  /** Whether everything has come that must come. */
  get isComplete(): boolean {
    return this.#waiting.length === 0 && this.missing === 0;
  }

  /** No more will come. */
  finish(): void {
    this.settle();
    for (const received of this.#waiting) {
      this.wrong(`never produced: ${JSON.stringify(received).slice(0, 200)}`);
    }
    this.judgeEnd();
  }

  /** What is missing is lost. */
  protected judgeEnd(): void {
    const { missing } = this;
    if (missing === 0) return;
    this.tally.lost += missing;
    this.note(`${missing} did not come by the end: ${this.missingText()}`);
  }

  /** Whether its client asked for such a record. */
  protected wants(record: Produced): boolean {
    return this.#filter === null || this.#filter.wants(record);
  }

  /** How many records (on a compacted topic keys) have still to come. */
  abstract get missing(): number;
  protected abstract missingText(): string;
  protected abstract record(record: Produced): void;
  protected abstract gap(delivery: Delivery & { kind: 'gap' }): void;

  /** All that was there has come. */
  protected live(): void {}

  protected note(text: string): void {
    if (this.notes.length < MAX_NOTES) this.notes.push(text);
  }

  #identify(received: Received): Delivery {
    try {
      return identify(this.topic, this.#format, received);
    } catch (error) {
      return { kind: 'wrong', why: `${error} in ${JSON.stringify(received).slice(0, 200)}` };
    }
  }

  #judge(delivery: Delivery): void {
    if (delivery.kind === 'wrong') this.wrong(delivery.why);
    else if (delivery.kind === 'gap') this.gap(delivery);
    else if (delivery.kind === 'live') this.live();
    else if (delivery.kind === 'record') {
      const { record, hash, hasLeft } = delivery;
      this.tally.delivered++;
      if (hasLeft) {
        if (this.wants(record)) this.wrong(`it is told that ${placeOf(record)} has left its view`);
      } else if (record.hash !== hash) {
        this.wrong(`another value than that of ${placeOf(record)}`);
      } else if (!this.wants(record) && !(hash === null && this.topic.isCompacted)) {
        this.wrong(`${placeOf(record)}, which its filter refuses`);
      }
      this.record(record);
    }
  }
}

export function placeOf({ serial, partition, offset }: Produced): string {
  return `record ${serial} at ${partition}:${offset}`;
}
