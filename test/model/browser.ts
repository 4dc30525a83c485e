import type { Subscription } from '../../app/stretches/subscription.ts';
import { formatByName } from '../../app/views/format.ts';
import type { OpenView } from '../../app/views/open_views.ts';
import { type Cursor, findCursor } from '../../app/wire/cursor.ts';
import type { ClientFilter } from './client_filter.ts';
import { ClientModel } from './client_model.ts';
import { type DecodedCursor, decodeCursor } from './cursor_decoder.ts';
import { GzipReader } from './gzip_reader.ts';
import type { HandedOutStream } from './handed_out.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import { type Block, kindOf, SseParser } from './sse_parser.ts';
import type { GuardedStream } from './stream_guards.ts';
import type { Timer } from './virtual_clock.ts';
import type { World } from './world.ts';

/** Longer than the shortest `delete.retention.ms`. */
const MAX_AWAY_MS = 14_000;
/** Arrays handed to a socket are no longer than this. */
const MAX_ARRAY_BYTES = 64 * 1024;
/** A topic of which nothing was heard for so long, in milliseconds, is stale. */
const STALE_MS = 10_000;

/** A client's cursor as it sends it, and what that means. */
export interface SentCursor {
  readonly id: string;
  readonly cursor: DecodedCursor | null | 'unreadable';
}

/** How one client behaves. */
export interface BrowserOptions {
  readonly name: string;
  readonly format: 'text' | 'json';
  /** What it wants of records, as its stream is now. */
  readonly filterNow: () => ClientFilter;
  /** Of the streams file; `null`: a topic itself. */
  readonly stream: GuardedStream | null;
  /** Between two beats; `null` for none. */
  readonly everyMs: number | null;
  readonly since: 'latest' | number | null;
  /** Whether its streams end once they are live. */
  readonly endsLive: boolean;
  /** What it sends at first. */
  readonly first: SentCursor;
  /** It rests this long between two arrays, at random, sometimes much longer. */
  readonly pauseMs: number;
  /** Whether its streams are compressed. */
  readonly isCompressed: boolean;
  /** How likely it is cut in an array. */
  readonly cuts: number;
}

interface Stream {
  readonly subscription: Subscription;
  readonly openView: OpenView;
  readonly replica: Replica;
  readonly parser: SseParser;
  readonly handedOut: HandedOutStream;
  /** `null` where it is not compressed. */
  readonly gzip: GzipReader | null;
  /** Whether it was told that its topic is stale. */
  isStale: boolean;
}

/** A client: opens a stream, reads, is cut anywhere, and comes back with its last id. */
export class Browser {
  readonly name: string;
  readonly #world: World;
  readonly #random: Random;
  readonly #options: BrowserOptions;
  readonly #model: ClientModel;
  #last: SentCursor;
  #stream: Stream | null = null;
  #openedAt = 0;
  /** When it comes back. */
  #return: Timer | null = null;
  /** The replica's positions when it handed out what a block began with. */
  #readUpTo: Float64Array | null = null;
  /** And when that was. */
  #handedOutAt = 0;
  /** While it does not take what there is. */
  #rest: Timer | null = null;
  #isCalm = false;
  #filter: ClientFilter;

  constructor(world: World, random: Random, options: BrowserOptions) {
    this.#world = world;
    this.#random = random;
    this.#options = options;
    this.name = options.name;
    this.#last = options.first;
    this.#filter = options.filterNow();
    this.#model = new ClientModel(
      world.kafka.ledger,
      world.topicName,
      options.format,
      this.#filter,
      options.endsLive,
      options.everyMs,
    );
  }

  /** The replica that it is connected to. */
  get replica(): Replica | null {
    return this.#stream?.replica ?? null;
  }

  /** What it lacks still; `null` where it has everything. */
  lacks(): string | null {
    return this.#stream?.isStale === true ? 'event fresh' : this.#model.lacks();
  }

  /** Where its last id is not the end of the topic; `null` for one that came a moment ago. */
  lagsBehind(momentMs: number): string | null {
    // One that is away is told where it is when it comes back, and so is one whose streams end.
    if (this.#stream === null) return null;
    const isNew = this.#world.clock.now - this.#openedAt < momentMs;
    if (isNew || this.#options.endsLive || !this.#knowsWhatItPasses(this.#stream)) return null;
    return this.#model.lagsBehind();
  }

  /** From now on nothing disturbs it any more. */
  calmDown(): void {
    this.#isCalm = true;
    if (this.#stream === null && this.#return !== null) {
      this.#world.clock.clearTimeout(this.#return);
      this.connect();
      return;
    }
    if (this.#rest === null || this.#stream === null) return;
    this.#world.clock.clearTimeout(this.#rest);
    this.#pump(this.#stream);
  }

  connect(): void {
    this.#return = null;
    const running = this.#world.replicas.filter(({ feed }) => feed !== null);
    if (running.length === 0) {
      this.#later(500, () => this.connect());
      return;
    }
    const replica = this.#random.pick(running);
    const { format, everyMs, since, endsLive } = this.#options;
    const { id, cursor } = this.#last;
    this.#world.note(() => `${this.name} opens at ${replica.name} with ${show(cursor)}`);
    this.#world.count('streams');
    this.#openedAt = this.#world.clock.now;
    this.#world.guard(this, () => {
      const readUpTo = replica.readUpTo();
      this.#model.open({ cursor, since, at: this.#world.clock.now, readUpTo });
      const found = findCursor([this.#foreignForm(id)]) as Cursor | null | 'unreadable';
      const start = { cursor: found, since };
      const { views } = replica.feed!;
      const openView = views.open(formatByName(format)!, this.#filter.asked, null, everyMs)!;
      const subscription = replica.feed!.subscribe(
        openView.view,
        start,
        endsLive ? { waitMs: this.#random.pick([0, 0, 1000, 5000]) } : null,
      );
      const handedOut = this.#world.handedOut.stream(subscription, subscription.traffic);
      const parser = new SseParser();
      const gzip = this.#options.isCompressed
        ? new GzipReader(replica.compression.stream(replica.feed!, openView.view))
        : null;
      const stream = { subscription, openView, replica, parser, handedOut, gzip, isStale: false };
      this.#stream = stream;
      // The head of the response may take its time.
      if (this.#isCalm || this.#random.chance(0.7)) this.#pump(stream);
      else this.#pumpLater(this.#random.next() * this.#options.pauseMs, stream);
    });
  }

  /** What its stream lets through may be something else from now on: then it ends, and the browser comes back. */
  streamsChanged(): void {
    if (this.#options.stream?.after === undefined || this.#options.stream.after === null) return;
    this.#filter = this.#options.filterNow();
    this.cut();
    this.#model.changeFilter(this.#filter);
  }

  /** The connection breaks; the browser comes back by itself. */
  cut(): void {
    if (this.#stream === null) return;
    this.close();
    const isLong = !this.#isCalm && this.#random.chance(0.15);
    const away = this.#random.next() ** 3 * 5000;
    const milliseconds = isLong ? this.#random.next() * MAX_AWAY_MS : away;
    this.#return = this.#world.clock.setTimeout(() => this.connect(), milliseconds);
  }

  close(): void {
    this.#model.close(this.#world.clock.now, this.#stream?.replica.readUpTo() ?? null);
    this.#stream?.handedOut.close();
    this.#stream?.gzip?.close();
    this.#stream?.subscription.close();
    this.#stream?.openView.letGo();
    this.#stream = null;
    this.#rest = null;
  }

  /** As the gateway does each second, with a stream on which nothing came for long as well. */
  beat(isIdle: boolean): void {
    const stream = this.#stream;
    // One that does not wait has something to take.
    if (stream === null || this.#rest !== null) return;
    this.#world.guard(this, () => {
      const { isAgeing } = stream.subscription;
      const bytes = isIdle || isAgeing ? stream.subscription.take(true) : null;
      if (bytes !== null) this.#receive(bytes, stream, isAgeing);
      // One that is about to begin anew has no place to tell.
      else if (stream.replica.source.isWell && stream.subscription.place !== null)
        this.#model.checkAge(this.#world.clock.now);
      if (bytes === null && isIdle) this.#checkPlace(stream);
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
      const { isAgeing } = stream.subscription;
      const bytes = stream.subscription.take();
      if (bytes !== null) this.#receive(bytes, stream, isAgeing);
      else {
        this.#model.beats.waits(this.#world.clock.now, stream.replica.readUpTo());
        stream.subscription.wait(() => this.#woken(stream));
      }
    });
  }

  /** Its stream has ended as it was asked to: it comes back for what came since. */
  #over(): void {
    this.close();
    this.#later(this.#isCalm ? 500 : this.#random.next() * 5000, () => {
      if (this.#stream === null && !(this.#isCalm && this.lacks() === null)) this.connect();
    });
  }

  #woken(stream: Stream): void {
    this.#model.beats.woken(this.#world.clock.now);
    // A socket that is ready takes within the wake, another one later.
    if (this.#isCalm || this.#random.chance(0.7)) this.#pump(stream);
    else this.#pumpLater(this.#random.next() * this.#options.pauseMs, stream);
  }

  /** @param isAgeing whether its last id was about to be too old: then nothing waits */
  #receive(bytes: Uint8Array, stream: Stream, isAgeing: boolean): void {
    if (bytes.length > MAX_ARRAY_BYTES) throw new Error(`an array of ${bytes.length} bytes`);
    if (bytes.length === 0) throw new Error('an empty array');
    stream.handedOut.push(bytes);
    const isCut = !this.#isCalm && this.#random.chance(this.#options.cuts);
    const sent = stream.gzip?.sent(bytes, stream.subscription) ?? bytes;
    const arrived = isCut ? sent.subarray(0, this.#random.between(0, sent.length)) : sent;
    if (!stream.parser.isWithinBlock) {
      this.#readUpTo = stream.replica.readUpTo();
      this.#handedOutAt = this.#world.clock.now;
      this.#checkBeat(bytes, isAgeing);
    }
    const read = stream.gzip?.read(arrived, isCut ? null : bytes) ?? arrived;
    for (const block of stream.parser.push(read)) this.#take(block, stream);
    if (isCut) {
      this.#world.note(() => `${this.name} is cut after ${arrived.length} of ${sent.length}`);
      this.cut();
      return;
    }
    this.#pumpLater(this.#pause(), stream);
  }

  #checkPlace(stream: Stream): void {
    if (this.#options.everyMs === null || stream.subscription.place === null) return;
    if (this.#knowsWhatItPasses(stream))
      this.#model.checkPlace(stream.replica.feed!.loadedLog!.positions);
  }

  /** Between beats nothing is read back: only where what it waits for is in memory. */
  #knowsWhatItPasses({ subscription, replica }: Stream): boolean {
    const { place } = subscription;
    if (this.#options.everyMs === null || place === null) return true;
    return replica.feed?.loadedLog?.covers(place.positions) === true;
  }

  #checkBeat(bytes: Uint8Array, isAgeing: boolean): void {
    if (this.#options.everyMs === null) return;
    const blocks = Buffer.from(bytes).toString('latin1');
    const { beats } = this.#model;
    if (beats.receive(blocks, this.#readUpTo, this.#handedOutAt, isAgeing)) {
      this.#world.count('beat');
    }
  }

  #take(block: Block, stream: Stream): void {
    if (block.event === 'stale' || block.event === 'fresh') {
      this.#takeStanding(block, stream);
      return;
    }
    const cursor = decodeCursor(block.id);
    this.#world.note(() => `${this.name} <- ${show(cursor)} ${block.event} ${short(block.data)}`);
    this.#world.count(kindOf(block));
    const { isWell } = stream.replica.source;
    const { stream: ofFile } = this.#options;
    this.#model.knowsSince = ofFile === null ? null : stream.replica.knowsSince(ofFile);
    this.#model.receive(block, cursor, this.#readUpTo, this.#handedOutAt, isWell);
    this.#last = { id: block.id, cursor };
  }

  #takeStanding({ event, data }: Block, stream: Stream): void {
    this.#world.count(event);
    if (event === 'fresh' && !stream.isStale) throw new Error('fresh, and it was not stale');
    stream.isStale = event === 'stale';
    if (stream.isStale) this.#model.isStale();
    if (event === 'fresh') return;
    const { since } = JSON.parse(data!) as { since: number };
    if (!(since <= this.#world.clock.now - STALE_MS)) throw new Error(`stale since ${since}`);
  }

  #pause(): number {
    if (this.#isCalm) return 0;
    return this.#random.next() * this.#options.pauseMs * (this.#random.chance(0.05) ? 30 : 1);
  }

  /** Other makers of cursors wrap them in these forms. */
  #foreignForm(id: string): string {
    if (id === '' || !this.#random.chance(0.1)) return id;
    return this.#random.pick([`["a2V5","${id}"]`, `[null,"${id}"]`, `${id}/etag`]);
  }

  #pumpLater(milliseconds: number, stream: Stream): void {
    this.#rest = this.#world.clock.setTimeout(() => this.#pump(stream), milliseconds);
  }

  #later(milliseconds: number, then: () => void): void {
    this.#world.clock.setTimeout(then, milliseconds);
  }
}

function show(cursor: SentCursor['cursor']): string {
  if (cursor === null || cursor === 'unreadable') return cursor ?? 'no cursor';
  return `${cursor.topicId.slice(-2)}:${[...cursor.offsets].map(([p, o]) => `${p}/${o}`).join(' ')}`;
}

function short(data: string | null): string {
  return data === null ? '' : JSON.stringify(data.replace(/\.{4,}/, '...').slice(0, 100));
}
