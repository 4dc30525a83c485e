import { MergedStream } from '../../app/several/merged_stream.ts';
import { SeveralTopics, type TopicOfStream } from '../../app/several/several_topics.ts';
import type { ClientStream } from '../../app/stretches/client_stream.ts';
import { formatByName } from '../../app/views/format.ts';
import { NameOfSeveral } from '../../app/wire/blocks_of_several.ts';
import { type AnyCursor, findCursor } from '../../app/wire/cursor.ts';
import type { ClientFilter } from './client_filter.ts';
import { nameHash } from './cursor_decoder.ts';
import { GzipReader } from './gzip_reader.ts';
import type { HandedOutStream } from './handed_out.ts';
import type { Random } from './random.ts';
import type { SentCursor, SeveralModel } from './several_model.ts';
import type { SeveralReplica } from './several_replica.ts';
import { type Block, kindOf, SseParser } from './sse_parser.ts';
import type { Timer, VirtualClock } from './virtual_clock.ts';
import type { World } from './world.ts';

const MAX_AWAY_MS = 14_000;
/** An id is written as a whole. */
const MAX_ARRAY_BYTES = 66 * 1024;
const FORMAT = formatByName('json')!;

/** How a client of several topics behaves. */
export interface SeveralOptions {
  readonly name: string;
  readonly filter: ClientFilter;
  readonly everyMs: number | null;
  readonly since: 'latest' | number | null;
  readonly endsLive: boolean;
  readonly first: SentCursor;
  readonly pauseMs: number;
  readonly isCompressed: boolean;
  readonly cuts: number;
  /** How likely it asks for other topics when it comes back. */
  readonly changes: number;
}

interface Stream {
  readonly subscription: ClientStream;
  readonly replica: SeveralReplica;
  readonly parser: SseParser;
  readonly handedOut: HandedOutStream;
  readonly gzip: GzipReader | null;
  readonly names: readonly string[];
  isStale: boolean;
  letGo(): void;
}

/** A client of several topics: opens a stream, reads, is cut anywhere, and comes back with its last id. */
export class SeveralClient {
  readonly name: string;
  readonly #worlds: ReadonlyMap<string, World>;
  readonly #replicas: readonly SeveralReplica[];
  readonly #world: World;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #options: SeveralOptions;
  readonly #model: SeveralModel;
  #names: readonly string[];
  #last: SentCursor;
  #stream: Stream | null = null;
  #openedAt = 0;
  #return: Timer | null = null;
  #rest: Timer | null = null;
  #isCalm = false;

  constructor(
    worlds: ReadonlyMap<string, World>,
    replicas: readonly SeveralReplica[],
    random: Random,
    options: SeveralOptions,
    model: SeveralModel,
  ) {
    this.#worlds = worlds;
    this.#replicas = replicas;
    [this.#world] = [...worlds.values()] as [World];
    this.#clock = this.#world.clock;
    this.#random = random;
    this.#options = options;
    this.#model = model;
    this.name = options.name;
    this.#last = options.first;
    this.#names = this.#someTopics();
  }

  get replica(): SeveralReplica | null {
    return this.#stream?.replica ?? null;
  }

  lacks(): string | null {
    return this.#stream?.isStale === true ? 'event fresh' : this.#model.lacks();
  }

  lagsBehind(momentMs: number): string | null {
    const isNew = this.#clock.now - this.#openedAt < momentMs;
    if (this.#stream === null || isNew || this.#options.endsLive) return null;
    return this.#model.lagsBehind();
  }

  calmDown(): void {
    this.#isCalm = true;
    if (this.#stream === null && this.#return !== null) {
      this.#clock.clearTimeout(this.#return);
      this.connect();
      return;
    }
    if (this.#rest === null || this.#stream === null) return;
    this.#clock.clearTimeout(this.#rest);
    this.#pump(this.#stream);
  }

  connect(): void {
    this.#return = null;
    const running = this.#replicas.filter(({ isRunning }) => isRunning);
    if (running.length === 0) {
      this.#clock.setTimeout(() => this.connect(), 500);
      return;
    }
    if (!this.#isCalm && this.#random.chance(this.#options.changes)) {
      this.#names = this.#someTopics();
    }
    const replica = this.#random.pick(running);
    const names = this.#names;
    const { since } = this.#options;
    this.#world.note(
      () =>
        `${this.name} ${JSON.stringify(this.#options, (k, v) => (k === 'first' ? undefined : v))} opens ${names} at ${replica.name} with ${this.#last.id}`,
    );
    this.#world.count('streams');
    this.#openedAt = this.#clock.now;
    this.#world.guard(this, () => {
      this.#model.open(names, this.#last, since, replica);
      this.#stream = this.#open(replica, names);
      if (this.#isCalm || this.#random.chance(0.7)) this.#pump(this.#stream);
      else this.#pumpLater(this.#random.next() * this.#options.pauseMs, this.#stream);
    });
  }

  #open(replica: SeveralReplica, names: readonly string[]): Stream {
    const { filter, since, everyMs, endsLive, isCompressed } = this.#options;
    const inOrder = names.toSorted();
    const feeds = inOrder.map((name) => replica.part(name).feed!);
    const views = feeds.map(({ views: some }) => some.open(FORMAT, filter.asked, null, null)!);
    const topics: TopicOfStream[] = feeds.map((feed, n) => ({
      topic: feed,
      name: new NameOfSeveral(feed.topic, nameHash(feed.topic)),
      subscribe: feed.subscribe.bind(feed, views[n]!.view),
    }));
    const cursor = findCursor([this.#last.id]) as AnyCursor | null | 'unreadable';
    const start = { cursor, since };
    const wanted = [...feeds, ...views.map(({ view }) => view)];
    const group = replica.merged.group(wanted, endsLive ? null : everyMs);
    const subscription = endsLive
      ? new SeveralTopics(topics, start, { waitMs: this.#random.pick([0, 0, 1000, 5000]) })
      : new MergedStream(topics, group, start);
    return {
      subscription,
      replica,
      parser: new SseParser(),
      handedOut: this.#world.handedOut.stream(subscription, replica.counted),
      gzip: isCompressed ? new GzipReader(replica.compression.stream(group, group)) : null,
      names,
      isStale: false,
      letGo: () => {
        for (const view of views) view.letGo();
        group.letGo();
      },
    };
  }

  cut(): void {
    if (this.#stream === null) return;
    this.close();
    const isLong = !this.#isCalm && this.#random.chance(0.15);
    const away = this.#random.next() ** 3 * 5000;
    const milliseconds = isLong ? this.#random.next() * MAX_AWAY_MS : away;
    this.#return = this.#clock.setTimeout(() => this.connect(), milliseconds);
  }

  close(): void {
    const stream = this.#stream;
    const isWaiting = this.#rest === null && stream?.parser.isWithinBlock === false;
    this.#model.close();
    this.#stream = null;
    this.#rest = null;
    if (stream === null) return;
    if (!isWaiting) this.#world.handedOut.isCutBetween();
    stream.handedOut.close();
    stream.gzip?.close();
    stream.subscription.close();
    stream.letGo();
  }

  beat(isIdle: boolean): void {
    const stream = this.#stream;
    if (stream === null || this.#rest !== null) return;
    this.#world.guard(this, () => {
      const { isAgeing } = stream.subscription;
      const bytes = isIdle || isAgeing ? stream.subscription.take(true) : null;
      if (bytes !== null) this.#receive(bytes, stream);
      else this.#model.checkAge();
    });
  }

  #pump(stream: Stream): void {
    if (stream !== this.#stream) return;
    this.#rest = null;
    this.#world.guard(this, () => {
      if (stream.subscription.isOver) {
        stream.gzip?.end();
        this.#over();
        return;
      }
      const bytes = stream.subscription.take();
      if (bytes !== null) this.#receive(bytes, stream);
      else stream.subscription.wait(() => this.#woken(stream));
    });
  }

  #over(): void {
    this.close();
    this.#clock.setTimeout(
      () => {
        if (this.#stream === null && !(this.#isCalm && this.lacks() === null)) this.connect();
      },
      this.#isCalm ? 500 : this.#random.next() * 5000,
    );
  }

  #woken(stream: Stream): void {
    if (this.#isCalm || this.#random.chance(0.7)) this.#pump(stream);
    else this.#pumpLater(this.#random.next() * this.#options.pauseMs, stream);
  }

  #receive(bytes: Uint8Array, stream: Stream): void {
    if (bytes.length > MAX_ARRAY_BYTES) throw new Error(`an array of ${bytes.length} bytes`);
    if (bytes.length === 0) throw new Error('an empty array');
    stream.handedOut.push(bytes);
    stream.subscription.sent(bytes.length, bytes.length);
    const isCut = !this.#isCalm && this.#random.chance(this.#options.cuts);
    const sent = stream.gzip?.sent(bytes, stream.subscription) ?? bytes;
    const arrived = isCut ? sent.subarray(0, this.#random.between(0, sent.length)) : sent;
    this.#model.handsOut(!stream.parser.isWithinBlock);
    const read = stream.gzip?.read(arrived, isCut ? null : bytes) ?? arrived;
    for (const block of stream.parser.push(read)) this.#take(block, stream);
    if (isCut) {
      this.#world.note(() => `${this.name} is cut after ${arrived.length} of ${sent.length}`);
      this.cut();
      return;
    }
    this.#pumpLater(this.#pause(), stream);
  }

  #take(block: Block, stream: Stream): void {
    if (block.event === 'stale' || block.event === 'fresh') {
      if (block.event === 'fresh' && !stream.isStale) {
        throw new Error('fresh, and it was not stale');
      }
      stream.isStale = block.event === 'stale';
      if (stream.isStale) this.#model.isStale();
      this.#world.count(block.event);
      return;
    }
    this.#world.note(
      () =>
        `${this.name} <- ${block.event} ${(block.data ?? '').replace(/\.{4,}/, '...').slice(0, 120)} ${block.id}`,
    );
    this.#world.count(kindOf(block));
    this.#last = { id: block.id, cursors: this.#model.receive(block) };
  }

  #pause(): number {
    if (this.#isCalm) return 0;
    return this.#random.next() * this.#options.pauseMs * (this.#random.chance(0.05) ? 30 : 1);
  }

  #someTopics(): readonly string[] {
    const names = [...this.#worlds.keys()];
    while (names.length > 2 && this.#random.chance(0.5)) {
      names.splice(this.#random.between(0, names.length - 1), 1);
    }
    return names;
  }

  #pumpLater(milliseconds: number, stream: Stream): void {
    this.#rest = this.#clock.setTimeout(() => this.#pump(stream), milliseconds);
  }
}
