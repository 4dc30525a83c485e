import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { Random } from '../model/random.ts';
import { within } from '../support/deadline.ts';
import { curl } from './clients/curl.ts';
import { followDocuments } from './clients/document.ts';
import { followEventSource } from './clients/event_source.ts';
import { follow, type Open } from './clients/follow.ts';
import { http1 } from './clients/http1.ts';
import { http2 } from './clients/http2.ts';
import { followHttpxSse } from './clients/httpx_sse.ts';
import { followSseCat } from './clients/sse_cat.ts';
import type { Format } from './delivery.ts';
import { anyFilter } from './filter.ts';
import type { ProducedTopics } from './kafka_topics.ts';
import { Pass } from './pass.ts';
import { scopeOf } from './strangers.ts';
import { Subscriber, type Temper, type Times } from './subscriber.ts';
import type { TokenMaker } from './tokens.ts';

const ALL: readonly Temper[] = [
  'fast',
  'fast',
  'slow',
  'stalled',
  'restless',
  'restless',
  'long away',
  'anew',
];
/** Of streams. */
const ENDS_LIVE = 0.15;
/** Of clients: they take what they choose, the others take all. */
const FILTERED = 0.5;
/** Of clients: they read several topics in one stream. */
const SEVERAL = 0.25;
/** Of clients: what is new comes to them at beats, so many milliseconds apart at most. */
const AT_BEATS = 0.2;
const MAX_BEAT_MS = 5000;

/**
 * The kinds of clients: their shares of the crowd in percent, how many there are at most (programs of
 * their own take much of the machine), and what they can show of tempers.
 */
const KINDS = {
  'plain HTTP/1.1': { share: 18, tempers: ALL },
  document: { share: 4, tempers: ['fast', 'long away'] },
  'plain HTTP/2': { share: 20, tempers: ALL },
  'sse-cat': { share: 8, tempers: ['fast'] },
  'npm eventsource': { share: 20, most: 200, tempers: ['fast', 'restless'] },
  'httpx-sse': { share: 18, most: 100, tempers: ['fast', 'restless'] },
  curl: { share: 12, most: 60, tempers: ALL },
} as const satisfies Record<string, { share: number; most?: number; tempers: readonly Temper[] }>;

type Kind = keyof typeof KINDS;

/** So many clients in a row are in the same part. */
const BLOCK = 8;
const STREAMS_PER_CONNECTION = 8;
const LEAVE_MS = 60_000;

/** Where the balancers listen. */
export interface Entrance {
  readonly http: number;
  readonly https: number;
}

export interface CrowdOptions {
  /** Of the whole crowd, and which part of it is here: one of so many. */
  readonly size: number;
  readonly part: number;
  readonly parts: number;
  readonly topics: ProducedTopics;
  readonly seed: number;
  readonly tokens: TokenMaker;
  /** How long a client's tokens count: one of these. */
  readonly tokenSeconds: readonly number[];
  /** For the tokens of programs that read theirs in a file. */
  readonly folder: string;
}

/** The clients of a run, or some of them. */
export class Crowd {
  readonly subscribers: readonly Subscriber[];
  readonly #calm = new AbortController();
  readonly #over = new AbortController();
  readonly #times: Times = { calm: this.#calm.signal, over: this.#over.signal };
  readonly #seed: number;
  readonly #folder: string;
  #running: Promise<void> = Promise.resolve();
  /** Why one of them cannot go on. */
  fault: unknown = null;

  constructor(options: CrowdOptions) {
    const { size, part, parts, topics, seed, tokens, tokenSeconds, folder } = options;
    const random = new Random(seed);
    this.#seed = seed;
    this.#folder = folder;
    setMaxListeners(0, this.#times.calm, this.#times.over);
    const all = Object.values(topics);
    const everybody = kindsOf(size).map((kind, number) => {
      // Every kind on every topic; it does not show by its tempers.
      // A document does not say where in its records a gap is.
      const topic = kind === 'document' ? topics.compacted : all[number % all.length]!;
      const temper = random.pick<Temper>(KINDS[kind].tempers);
      const isDocument = kind === 'document';
      const isJson = random.chance(0.5) || isDocument;
      const other = random.pick(all.filter((one) => one !== topic));
      const hasSeveral = random.chance(SEVERAL) && !isDocument;
      const read = hasSeveral ? random.pick([[topic, other], all]) : [topic];
      const format: Format = isJson || hasSeveral ? 'json' : 'text';
      const endsLive = random.chance(ENDS_LIVE) || isDocument;
      const name = `client ${number} (${kind})`;
      const saysAccept = random.chance(0.5);
      const pass = new Pass(tokens, {
        sub: name,
        scope: read.map(({ name }) => scopeOf(name)).join(' '),
        seconds: random.pick(tokenSeconds),
        isCareful: random.chance(0.5),
      });
      // Of a compacted topic it takes less.
      const filtered = read.find(({ isCompacted }) => isCompacted) ?? topic;
      const filter = random.chance(FILTERED) ? anyFilter(random, filtered, format) : null;
      const beatMs = random.chance(AT_BEATS) ? random.between(100, MAX_BEAT_MS) : null;
      const own = {
        beatMs,
        name,
        kind,
        temper,
        topics: read,
        format,
        endsLive,
        saysAccept,
        pass,
        filter,
      };
      return new Subscriber(own, random.fork());
    });
    this.subscribers = everybody.filter((_, number) => Math.floor(number / BLOCK) % parts === part);
  }

  /** Lets them all come. */
  start({ http, https }: Entrance): void {
    const origin = `http://127.0.0.1:${http}`;
    const secure = `https://127.0.0.1:${https}`;
    let shared: Open[] = [];
    const run = (subscriber: Subscriber, number: number): Promise<void> => {
      const { kind } = subscriber.plan;
      if (kind === 'plain HTTP/1.1') return follow(subscriber, http1(http), this.#times);
      if (kind === 'plain HTTP/2') {
        if (number % STREAMS_PER_CONNECTION === 0) shared = [http2(https, this.#times.over)];
        shared[0] ??= http2(https, this.#times.over);
        return follow(subscriber, shared[0], this.#times);
      }
      const either = number % 2 === 0 ? origin : secure;
      if (kind === 'curl') return follow(subscriber, curl(either), this.#times);
      if (kind === 'document') return followDocuments(subscriber, origin, this.#times);
      if (kind === 'sse-cat') {
        const tokenFile = join(this.#folder, subscriber.plan.name);
        return followSseCat(subscriber, either, tokenFile, this.#times);
      }
      return followEventSource(subscriber, origin, this.#times);
    };
    const inPython = this.#ofKind('httpx-sse');
    const others = this.subscribers.filter((subscriber) => !inPython.includes(subscriber));
    this.#running = Promise.all([
      ...others.map(run),
      followHttpxSse(inPython, origin, this.#folder, this.#seed, this.#times),
    ]).then(
      () => {},
      (error) => {
        this.fault ??= error;
      },
    );
  }

  settle(): void {
    for (const subscriber of this.subscribers) subscriber.settle();
  }

  /** When one of them got something last. */
  get lastReceived(): number {
    return Math.max(...this.subscribers.map(({ lastReceived }) => lastReceived));
  }

  get incomplete(): Subscriber[] {
    return this.subscribers.filter((subscriber) => !subscriber.isComplete);
  }

  /** From now on all of them read, and leave only when they are cut. */
  calm(): void {
    this.#calm.abort();
  }

  /** Lets them all go. @returns whether they went */
  async end(): Promise<boolean> {
    this.#calm.abort();
    this.#over.abort();
    const left = this.#running.then(() => true);
    return within('the clients to leave', left, LEAVE_MS).catch(() => false);
  }

  #ofKind(kind: Kind): Subscriber[] {
    return this.subscribers.filter(({ plan }) => plan.kind === kind);
  }
}

function kindsOf(size: number): Kind[] {
  const kinds = Object.entries(KINDS).flatMap(([kind, one]) => {
    const most = 'most' in one ? one.most : size;
    return Array<Kind>(Math.min(most, Math.round((one.share * size) / 100))).fill(kind as Kind);
  });
  while (kinds.length < size) kinds.push('plain HTTP/1.1');
  return kinds.slice(0, size);
}
