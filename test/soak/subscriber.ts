import type { Random } from '../model/random.ts';
import type { Account } from './account.ts';
import { CompactedAccount } from './compacted_account.ts';
import type { Format, Received } from './delivery.ts';
import type { Pass } from './pass.ts';
import { PlainAccount } from './plain_account.ts';
import type { ProducedTopic } from './produced.ts';
import { Tally } from './tally.ts';

const LAST_IDS = 3;
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
  readonly topic: ProducedTopic;
  readonly format: Format;
  readonly pass: Pass;
  /** Whether its requests name the type of a stream, so that each answer is one. */
  readonly saysAccept: boolean;
  /** Whether its streams end once they are live. */
  readonly endsLive: boolean;
}

/** One client that keeps coming back, whatever program it is: its place and its account. */
export class Subscriber {
  readonly plan: SubscriberPlan;
  readonly random: Random;
  readonly tally = new Tally();
  /** What it does, as far as it can be seen. */
  state: 'away' | 'asking' | 'reading' = 'away';
  /** With which it comes back. */
  lastId = '';
  /** When something came last, by `performance.now()`. */
  lastReceived = 0;
  readonly #lastIds: string[] = [];
  readonly #notes: string[] = [];
  #account: Account;
  #streams = 0;

  constructor(plan: SubscriberPlan, random: Random) {
    this.plan = plan;
    this.random = random;
    this.#account = this.#newAccount();
  }

  get path(): string {
    const { topic, format, endsLive } = this.plan;
    const query = [`format=${format}`, ...(endsLive ? ['until=live'] : [])];
    return `/${topic.name}?${query.join('&')}`;
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

  /** It was told why it is not let in. */
  unauthorized(reason: string): void {
    this.refused();
    if (reason === 'forbidden') this.#account.wrong('it is told that it has no right');
    if (reason !== 'unavailable') this.plan.pass.renew();
  }

  take(received: Received): void {
    const { event, data, id } = received;
    if (id !== '') this.identified(id);
    if (event === 'unauthorized') {
      this.unauthorized(JSON.parse(data).reason);
      return;
    }
    this.lastReceived = performance.now();
    if (event === 'expired') {
      this.tally.expired++;
      this.plan.pass.renew();
      return;
    }
    const { pass, temper } = this.plan;
    if (temper === 'fast' && Date.now() > pass.expiresAt + LATE_MS) {
      this.#account.wrong('it came long after the end of its token');
    }
    this.#account.take(received);
  }

  identified(id: string): void {
    if (id === this.lastId) return;
    this.lastId = id;
    this.#lastIds.push(id);
    if (this.#lastIds.length > LAST_IDS) this.#lastIds.shift();
  }

  /** From now on it is a new client; what it had was right or wrong, but it has no end. */
  beginAnew(): void {
    this.#account.settle();
    this.#notes.push(...this.#account.notes);
    this.#account = this.#newAccount();
    this.lastId = '';
  }

  settle(): void {
    this.#account.settle();
  }

  get isComplete(): boolean {
    return this.#account.isComplete;
  }

  finish(): void {
    this.#account.finish();
  }

  /** Who it is, in words. */
  get description(): string {
    const { name, temper, format, topic } = this.plan;
    const ids = this.#lastIds.join(' ');
    return `${name} (${temper}, /${topic.name}, ${format}, ${this.state}), last ids ${ids}`;
  }

  /** What was wrong, in words. */
  get faults(): string {
    const notes = [...this.#notes, ...this.#account.notes].map((note) => `    ${note}\n`).join('');
    return `  ${this.description}\n${notes}`;
  }

  #newAccount(): Account {
    const { topic, format } = this.plan;
    return topic.isCompacted
      ? new CompactedAccount(topic, format, this.tally)
      : new PlainAccount(topic, format, this.tally);
  }
}
