import { getLogger } from '@logtape/logtape';
import { type Share, Shares } from '../counts/shares.ts';
import { type Note, Traffic } from '../counts/traffic.ts';
import { JOINED_ENOUGH, restAfter, SETTLE_MS } from '../feed/fan_out.ts';
import { areSameParts, type CursorPart } from '../wire/topics_cursor.ts';
import {
  isAgeingIn,
  isTooOldIn,
  type SeveralTopics,
  type TopicOfStream,
} from './several_topics.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/** Bytes that are kept for those who have not taken them yet; who is slower reads by itself. */
const MIN_MAX_BYTES = 256 * 1024;
/**
 * It is more where many read: each of them by itself costs ten times as much, and where the machine has too much
 * to do they fall back together. Not of compacted topics: there who is slow is spared what is superseded.
 */
const BYTES_PER_CLIENT = 16 * 1024;
const MAX_BYTES = 4 * 2 ** 20;
/** The same of all logs together. */
const MAX_ALL_BYTES = 16 * 2 ** 20;
/** Bytes handed out at once, unless one page is larger. */
const SLICE_BYTES = 32 * 1024;

/** Blocks that are the same for all who stand before them. */
interface Blocks {
  readonly bytes: Uint8Array;
  /** What its last id says of each topic, and the time of that id. */
  readonly parts: readonly (CursorPart | null)[];
  readonly time: number | null;
  /** What is counted for each client. */
  readonly notes: readonly Note[];
  readonly shares: readonly Share[];
}

interface Page extends Blocks {
  /** How many clients stand before it. */
  clients: number;
}

/** What a client gets at once, and where it is then. */
export interface MergedSlice extends Blocks {
  readonly next: number;
}

type PlaceFrame = Pick<Blocks, 'bytes' | 'parts' | 'time'>;

/** One who waits for the next page. */
interface Waiting {
  /** Ends the wait. Never throws. */
  wake(): void;
}

/** How much all logs of a gateway hold. */
export interface HeldBytes {
  bytes: number;
}

/**
 * What all who are live in the same topics, with the same views, get: merged once, with ids made once. One of
 * them was the first to be there; what read for it alone reads for all now. A client is a place in the
 * log, as it is in that of one topic.
 *
 * Pages that come while many are being written to are left to gather, in memory, as in `fanOut`: the topics
 * come one by one, and each would cost a write a client.
 */
export class MergedLog {
  readonly #topics: readonly TopicOfStream[];
  readonly #reader: SeveralTopics;
  readonly #held: HeldBytes;
  readonly #onEnd: () => void;
  #clients = 0;
  /** Those of them who stand behind all pages. */
  #atEnd = 0;
  #waiting = new Set<Waiting>();
  #pages: Page[] = [];
  /** That of the first page that is kept. */
  #firstPage = 0;
  #bytes = 0;
  /** What was put together last, for those who stand there as well. */
  #last: (MergedSlice & { readonly from: number }) | null = null;
  /** Whether the reader may have more. */
  #hasMore = false;
  /** Whether something was read of which those who wait were not told. */
  #isDue = false;
  /** While it runs nothing more is handed out. */
  #rest: ReturnType<typeof setTimeout> | undefined;
  #placeFrame: PlaceFrame | null = null;
  #hasFailed = false;

  /** @param onEnd is called once nobody is there any more, or it cannot be read */
  constructor(
    topics: readonly TopicOfStream[],
    reader: SeveralTopics,
    held: HeldBytes,
    onEnd: () => void,
  ) {
    this.#topics = topics;
    this.#reader = reader;
    this.#held = held;
    this.#onEnd = onEnd;
    reader.readsForAll();
    this.#await();
  }

  /** The place behind all that was read. */
  get end(): number {
    return this.#firstPage + this.#pages.length;
  }

  /** Where its end is in each topic; `null` while there is more to read. */
  get places(): readonly CursorPart[] | null {
    return !this.#hasMore && this.#reader.isSettled ? this.#reader.places : null;
  }

  /** The time of the last id. */
  get time(): number | null {
    return this.#reader.told.time;
  }

  /** How many records are yet to come from a place on; `null` where that is not known. */
  behind(at: number): number | null {
    const { behind } = this.#reader;
    if (at < this.#firstPage) return null;
    const pages = this.#pages.slice(at - this.#firstPage);
    return behind === null ? null : pages.reduce((sum, page) => sum + eventsIn(page), behind);
  }

  /** Whether this reads for it. */
  isReadBy(reader: SeveralTopics): boolean {
    return this.#reader === reader;
  }

  /** One more stands at the end, of which the places are known. */
  join(): void {
    this.#reader.namePlaces();
    this.#clients++;
    this.#atEnd++;
  }

  /** @param at where it stands */
  leave(client: Waiting, at: number): void {
    this.#waiting.delete(client);
    this.#stand(at, -1);
    this.#letGoOfPassed();
    if (--this.#clients > 0) return;
    clearTimeout(this.#rest);
    this.#held.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#reader.close();
    this.#onEnd();
  }

  wait(client: Waiting): void {
    this.#waiting.add(client);
  }

  /** All topics are asked when it is taken from next, see `SeveralTopics.look`. */
  look(): void {
    this.#reader.look();
    this.#hasMore = true;
  }

  /** Reads all there is, for one who wants to join, unless that pushed out those who are slow. */
  catchUp(): void {
    const before = this.end;
    this.look();
    while (this.#hasMore && this.#bytes < this.#maxBytes / 2) this.#read();
    if (this.end === before) return;
    // Those who wait for it are woken in a turn of their own.
    this.#isDue = true;
    this.#rest ??= setTimeout(() => this.#rested(), 0);
  }

  /**
   * What comes for a client from where it stands on; it stands behind that then.
   * @returns `null` where there is nothing now, `'gone'` where it is not kept
   */
  take(at: number): MergedSlice | null | 'gone' {
    if (this.#hasFailed || at < this.#firstPage) return 'gone';
    if (at === this.end && this.#hasMore && this.#rest === undefined) this.#read();
    if (at === this.end) return null;
    const first = at - this.#firstPage;
    let next = first;
    let length = 0;
    do length += this.#pages[next++]!.bytes.length;
    while (next < this.#pages.length && length + this.#pages[next]!.bytes.length <= SLICE_BYTES);
    next += this.#firstPage;
    // What is sent late has the time of when it was read: it must not be too old.
    if (isTooOldIn(this.#topics, this.#pages[first]!.time)) return 'gone';
    if (this.#last?.from !== at || this.#last.next !== next) {
      const pages = this.#pages.slice(first, next - this.#firstPage);
      this.#last = { ...joined(pages, length), from: at, next };
    }
    const slice: MergedSlice = this.#last;
    this.#stand(at, -1);
    this.#stand(next, 1);
    this.#letGoOfPassed();
    return slice;
  }

  /**
   * The block that tells those at the end where they are, the same for all.
   * @param places of the end
   */
  placeFrame(places: readonly CursorPart[]): PlaceFrame {
    const known = this.#placeFrame;
    // Records that are not for its clients move the end, and wake nobody.
    if (
      known !== null &&
      areSameParts(known.parts, places) &&
      !isAgeingIn(this.#topics, known.time)
    )
      return known;
    const [bytes] = this.#noted(() => this.#reader.placeForAll());
    this.#placeFrame = { bytes, parts: places, time: this.time };
    return this.#placeFrame;
  }

  #await(): void {
    this.#reader.wait(() => {
      this.#hasMore = true;
      if (this.#rest === undefined) this.#hand();
    });
  }

  /** Reads one page. @returns whether there was one */
  #read(): boolean {
    let page: Uint8Array | null;
    let notes: Note[];
    try {
      [page, notes] = this.#noted(() => this.#reader.takeForAll());
    } catch (error) {
      logger.error('Several topics cannot be read for all: {error}', { error });
      this.#fail();
      return false;
    }
    if (page === null) {
      this.#hasMore = false;
      this.#await();
      return false;
    }
    const { parts, time } = this.#reader.told;
    const shares = this.#reader.takeShares();
    this.#pages.push({ bytes: page, parts, time, notes, shares, clients: this.#atEnd });
    this.#atEnd = 0;
    this.#bytes += page.length;
    this.#held.bytes += page.length;
    this.#letGoOfPassed();
    while (
      this.#pages.length > 1 &&
      (this.#bytes > this.#maxBytes || this.#held.bytes > MAX_ALL_BYTES)
    ) {
      this.#drop(1);
      this.#letGoOfPassed();
    }
    return true;
  }

  get #maxBytes(): number {
    const isCompacted = this.#topics.some(({ topic }) => topic.idClock !== null);
    const ofClients = isCompacted ? 0 : this.#clients * BYTES_PER_CLIENT;
    return Math.min(MAX_BYTES, Math.max(MIN_MAX_BYTES, ofClients));
  }

  /** So many more stand at a place; those whose place is not kept are not counted. */
  #stand(at: number, more: number): void {
    if (at === this.end) this.#atEnd += more;
    else if (at >= this.#firstPage) this.#pages[at - this.#firstPage]!.clients += more;
  }

  /** Of pages that all have taken. */
  #letGoOfPassed(): void {
    const wanted = this.#pages.findIndex(({ clients }) => clients > 0);
    const passed = wanted < 0 ? this.#pages.length : wanted;
    if (passed > 0) this.#drop(passed);
  }

  #drop(count: number): void {
    const dropped = this.#pages.splice(0, count);
    const bytes = dropped.reduce((sum, page) => sum + page.bytes.length, 0);
    this.#firstPage += dropped.length;
    this.#bytes -= bytes;
    this.#held.bytes -= bytes;
    if (this.#last !== null && this.#last.from < this.#firstPage) this.#last = null;
  }

  /** Hands what was read to all who wait, and rests before more is. */
  #hand(): void {
    const began = Date.now();
    const hasRead = this.#hasMore && this.#read();
    if (!hasRead && !this.#isDue) return;
    this.#isDue = false;
    const last = this.#pages.at(-1);
    const isJoinedEnough =
      last !== undefined && (last.bytes.length >= SLICE_BYTES || eventsIn(last) >= JOINED_ENOUGH);
    this.#wakeAll();
    if (isJoinedEnough) {
      this.#rest = setTimeout(() => this.#rested(), 0);
      return;
    }
    this.#rest = setTimeout(() => {
      const restMs = restAfter(began);
      if (restMs > 0) this.#rest = setTimeout(() => this.#rested(), restMs);
      else this.#rested();
    }, SETTLE_MS);
  }

  #rested(): void {
    this.#rest = undefined;
    this.#hand();
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const client of waiting) client.wake();
  }

  #fail(): void {
    this.#hasFailed = true;
    this.#hasMore = false;
    this.#isDue = true;
    this.#onEnd();
    this.#rest ??= setTimeout(() => this.#rested(), 0);
  }

  /** What is counted within is noted. */
  #noted<T>(take: () => T): [T, Note[]] {
    const notes: Note[] = [];
    for (const { topic } of this.#topics) topic.traffic.notes = notes;
    try {
      return [take(), notes];
    } finally {
      for (const { topic } of this.#topics) topic.traffic.notes = null;
    }
  }
}

function eventsIn({ notes }: Blocks): number {
  return notes.reduce((sum, { events }) => sum + events, 0);
}

/** @param length of their bytes */
function joined(pages: readonly Page[], length: number): Blocks {
  if (pages.length === 1) return pages[0]!;
  const bytes = new Uint8Array(length);
  const shares = new Shares();
  let at = 0;
  for (const page of pages) {
    bytes.set(page.bytes, at);
    at += page.bytes.length;
    for (const [traffic, share] of page.shares) shares.add(traffic, share);
  }
  const { parts, time } = pages.at(-1)!;
  const notes = Traffic.joined(pages.flatMap((page) => page.notes));
  return { bytes, parts, time, notes, shares: shares.take() };
}
