import type { Random } from '../model/random.ts';
import type { Account } from './account.ts';
import { CompactedAccount } from './compacted_account.ts';
import type { Format, Received } from './delivery.ts';
import type { Filter } from './filter.ts';
import type { Pass } from './pass.ts';
import { PlainAccount } from './plain_account.ts';
import type { ProducedTopic } from './produced.ts';
import { Tally } from './tally.ts';

const LAST_IDS = 3;
/** Of several topics' streams, in a record and in a gap. */
const TOPIC_NAMED = /^\{(?:"reason":"[a-z-]+",)?"topic":"(\w+)"/;
/** Long after a token nothing may come by it; what is on its way may take some of it. */
const LATE_MS = 20_000;

export type Temper =
  | 'fast'
  /** Reads for a moment, then does not for some seconds. */
  | 'slow'
  /** Does not read for longer than a gateway bears. */
  | 'stalled'
  /** Goes away at random and comes back with its last id. */
  | 'restless'
  /** Goes away for longer than deletes are kept, and comes back with its last id. */
  | 'long away'
  /** Comes back as a new client. */
  | 'anew';

/** How long a crowd may still do as it likes. */
export interface Times {
  /** Aborts when no client may stop reading or go away by itself any more. */
  readonly calm: AbortSignal;
  /** Aborts when all is over. */
  readonly over: AbortSignal;
}

export interface SubscriberPlan {
  readonly name: string;
  /** The client program, as the table names it. */
  readonly kind: string;
  readonly temper: Temper;
  /** Several of them are one stream, in JSON. */
  readonly topics: readonly ProducedTopic[];
  readonly format: Format;
  readonly pass: Pass;
  /** Whether its requests name the type of a stream, so that each answer is one. */
  readonly saysAccept: boolean;
  /** Whether its streams end once they are live. */
  readonly endsLive: boolean;
  /** Between two times at which what is new comes; `null`: at once. */
  readonly beatMs: number | null;
  /** What it wants of the topic; `null`: all. */
  readonly filter: Filter | null;
}

/** What is told of a client at the end. */
export interface Row {
  readonly kind: string;
  readonly topic: string;
  readonly isFiltered: boolean;
  readonly tally: Tally;
  /** What was wrong, in words; empty where nothing was. */
  readonly faults: string;
}

/** One client that keeps coming back, whatever program it is: its place and its account. */
export class Subscriber {
  readonly plan: SubscriberPlan;
  readonly random: Random;
  readonly tally = new Tally();
  /** What it does, as far as it can be seen, and since when. */
  #state: 'away' | 'asking' | 'reading' = 'away';
  #stateSince = Date.now();
  /** With which it comes back. */
  lastId = '';
  /** When something came last; Unix time in milliseconds. */
  lastReceived = 0;
  readonly #lastIds: string[] = [];
  readonly #notes: string[] = [];
  /** One a topic. */
  #accounts: readonly Account[];
  #streams = 0;

  constructor(plan: SubscriberPlan, random: Random) {
    this.plan = plan;
    this.random = random;
    this.#accounts = this.#newAccounts();
  }

  set state(state: 'away' | 'asking' | 'reading') {
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSince = Date.now();
  }

  /** As it stands in the path. */
  get topicNames(): string {
    return this.plan.topics.map(({ name }) => name).join();
  }

  get path(): string {
    const { format, endsLive, filter, beatMs } = this.plan;
    const query = new URLSearchParams({ format });
    if (endsLive) query.set('until', 'live');
    if (beatMs !== null) query.set('every', `${beatMs}`);
    for (const [name, value] of filter?.query ?? []) query.append(name, value);
    return `/${this.topicNames}?${query}`;
  }

  /** A stream is open. */
  opened(): void {
    this.state = 'reading';
    if (++this.#streams > 1) this.tally.reconnects++;
  }

  /** It was told to come back later. */
  refused(): void {
    this.state = 'away';
    this.tally.refusals++;
  }

  /** Its request was: it took longer than a gateway waits for one. */
  late(): void {
    this.state = 'away';
    this.tally.late++;
  }

  /** It was told why it is not let in. */
  unauthorized(reason: string): void {
    this.refused();
    if (reason === 'forbidden') this.#wrong('it is told that it has no right');
    if (reason !== 'unavailable') this.plan.pass.renew();
  }

  take(received: Received): void {
    const { event, data, id } = received;
    if (id !== '') this.identified(id);
    if (event === 'unauthorized') {
      this.unauthorized(JSON.parse(data).reason);
      return;
    }
    this.lastReceived = Date.now();
    if (event === 'expired') {
      this.tally.expired++;
      this.plan.pass.renew();
      return;
    }
    const { pass, temper } = this.plan;
    if (temper === 'fast' && Date.now() > pass.expiresAt + LATE_MS) {
      this.#wrong('it came long after the end of its token');
    }
    for (const account of this.#accountsOf(data)) account.take(received);
    for (const account of this.#accounts) account.identified(id);
  }

  /** Those that an event is for: of several topics' streams it names its topic, or is for all. */
  #accountsOf(data: string): readonly Account[] {
    if (this.#accounts.length === 1) return this.#accounts;
    const name = TOPIC_NAMED.exec(data)?.[1];
    return this.#accounts.filter(({ topic }) => name === undefined || name === topic.name);
  }

  #wrong(why: string): void {
    this.#accounts[0]!.wrong(why);
  }

  identified(id: string): void {
    if (id === this.lastId) return;
    this.lastId = id;
    this.#lastIds.push(id);
    if (this.#lastIds.length > LAST_IDS) this.#lastIds.shift();
  }

  /** From now on it is a new client; what it had was right or wrong, but it has no end. */
  beginAnew(): void {
    this.settle();
    this.#notes.push(...this.#accountNotes);
    this.#accounts = this.#newAccounts();
    this.lastId = '';
  }

  settle(): void {
    for (const account of this.#accounts) account.settle();
  }

  get isComplete(): boolean {
    return this.#accounts.every(({ isComplete }) => isComplete);
  }

  finish(): void {
    for (const account of this.#accounts) account.finish();
  }

  /** Who it is, in words. */
  get description(): string {
    const { name, temper } = this.plan;
    const ids = this.#lastIds.join(' ');
    const seconds = Math.round((Date.now() - this.#stateSince) / 1000);
    const state = `${this.#state} for ${seconds} s, streams: ${this.#streams}`;
    return `${name} (${temper}, ${this.path}, ${state}), last ids ${ids}`;
  }

  get row(): Row {
    const { plan, tally } = this;
    const { kind, filter } = plan;
    const isFiltered = filter !== null;
    const faults = tally.isClean ? '' : this.#faults;
    return { kind, topic: this.topicNames, isFiltered, tally, faults };
  }

  get #faults(): string {
    const notes = [...this.#notes, ...this.#accountNotes].map((note) => `    ${note}\n`).join('');
    return `  ${this.description}\n${notes}`;
  }

  get #accountNotes(): readonly string[] {
    return this.#accounts.flatMap(({ notes }) => notes);
  }

  #newAccounts(): readonly Account[] {
    const { topics, format, filter } = this.plan;
    return topics.map((topic) => {
      const Kind = topic.isCompacted ? CompactedAccount : PlainAccount;
      return new Kind(topic, format, this.tally, filter);
    });
  }
}
