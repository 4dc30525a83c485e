import { getLogger } from '@logtape/logtape';
import type { Share } from '../counts/shares.ts';
import type { Note } from '../counts/traffic.ts';
import { restAfter, SETTLE_MS } from '../feed/fan_out.ts';
import type { CursorPart } from '../wire/topics_cursor.ts';
import { isAgeingIn, type SeveralTopics, type TopicOfStream } from './several_topics.ts';

const logger = getLogger(['sse-kafka', 'feed']);

/** Bytes that are kept for those who have not taken them yet; who is slower reads by itself. */
const MAX_BYTES = 256 * 1024;
/** The same of all logs together. */
const MAX_ALL_BYTES = 16 * 2 ** 20;
/** Bytes handed out at once, unless one page is larger. */
const SLICE_BYTES = 32 * 1024;

/** A page of so many bytes is joined enough. */
const JOINED_ENOUGH_BYTES = 16 * 1024;

/** Blocks that are the same for all who stand before them. */
interface Page {
  readonly bytes: Uint8Array;
  /** What its last id says of each topic, and the time of that id. */
  readonly parts: readonly (CursorPart | null)[];
  readonly time: number | null;
  /** What is counted for each client. */
  readonly notes: readonly Note[];
  readonly shares: readonly Share[];
}

/** What a client gets at once, and where it is then. */
export interface MergedSlice extends Omit<Page, 'notes' | 'shares'> {
  readonly pages: readonly Page[];
  readonly next: number;
}

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
  #waiting = new Set<Waiting>();
  #pages: Page[] = [];
  /** That of the first page that is kept. */
  #firstPage = 0;
  #bytes = 0;
  #last: (MergedSlice & { readonly from: number }) | null = null;
  /** Whether the reader may have more. */
  #hasMore = false;
  /** Whether something was read of which those who wait were not told. */
  #isDue = false;
  /** While it runs nothing more is handed out. */
  #rest: ReturnType<typeof setTimeout> | undefined;
  #placeFrame: { readonly bytes: Uint8Array; readonly time: number | null } | null = null;
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
    const pages = this.#pages.slice(Math.max(0, at - this.#firstPage));
    const notes = pages.flatMap((page) => page.notes);
    return behind === null ? null : notes.reduce((sum, { events }) => sum + events, behind);
  }

  join(): void {
    this.#clients++;
  }

  leave(client: Waiting): void {
    this.#waiting.delete(client);
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

  /** Reads all there is, for one who wants to join. */
  catchUp(): void {
    const before = this.end;
    while (this.#hasMore && this.#bytes < MAX_BYTES / 2) this.#read();
    if (this.end === before) return;
    // Those who wait for it are woken in a turn of their own.
    this.#isDue = true;
    this.#rest ??= setTimeout(() => this.#rested(), 0);
  }

  /** What comes from a place on; `null` where there is nothing now, `'gone'` where it is not kept. */
  take(at: number): MergedSlice | null | 'gone' {
    if (this.#hasFailed || at < this.#firstPage) return 'gone';
    if (at === this.end && this.#hasMore && this.#rest === undefined) this.#read();
    if (at === this.end) return null;
    if (this.#last?.from === at && this.#last.next === this.end) return this.#last;
    const first = at - this.#firstPage;
    const pages = [this.#pages[first]!];
    let { length } = pages[0]!.bytes;
    for (const page of this.#pages.slice(first + 1)) {
      length += page.bytes.length;
      if (length > SLICE_BYTES) break;
      pages.push(page);
    }
    const { parts, time } = pages.at(-1)!;
    this.#last = {
      from: at,
      bytes: pages.length === 1 ? pages[0]!.bytes : joined(pages),
      parts,
      time,
      pages,
      next: at + pages.length,
    };
    return this.#last;
  }

  /** The block that tells those at the end where they are, the same for all. */
  placeFrame(): { readonly bytes: Uint8Array; readonly time: number | null } {
    const isOld = isAgeingIn(this.#topics, this.#placeFrame?.time ?? null);
    if (this.#placeFrame === null || isOld) {
      const [bytes] = this.#noted(() => this.#reader.placeForAll());
      this.#placeFrame = { bytes, time: this.time };
    }
    return this.#placeFrame;
  }

  #await(): void {
    this.#reader.wait(() => {
      this.#hasMore = true;
      this.#placeFrame = null;
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
    // Who waits has all before it.
    if (this.#waiting.size === this.#clients) this.#drop(this.#pages.length);
    const { parts, time } = this.#reader.told;
    const shares = this.#reader.takeShares();
    this.#pages.push({ bytes: page, parts, time, notes, shares });
    this.#bytes += page.length;
    this.#held.bytes += page.length;
    while (
      this.#pages.length > 1 &&
      (this.#bytes > MAX_BYTES || this.#held.bytes > MAX_ALL_BYTES)
    ) {
      this.#drop(1);
    }
    return true;
  }

  #drop(count: number): void {
    const dropped = this.#pages.splice(0, count);
    const bytes = dropped.reduce((sum, page) => sum + page.bytes.length, 0);
    this.#firstPage += dropped.length;
    this.#bytes -= bytes;
    this.#held.bytes -= bytes;
    this.#last = null;
  }

  /** Hands what was read to all who wait, and rests before more is. */
  #hand(): void {
    const began = Date.now();
    const hasRead = this.#hasMore && this.#read();
    if (!hasRead && !this.#isDue) return;
    this.#isDue = false;
    const bytes = this.#pages.at(-1)?.bytes.length ?? 0;
    this.#wakeAll();
    if (bytes > JOINED_ENOUGH_BYTES) {
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

function joined(pages: readonly Page[]): Uint8Array {
  const bytes = new Uint8Array(pages.reduce((sum, page) => sum + page.bytes.length, 0));
  let at = 0;
  for (const page of pages) {
    bytes.set(page.bytes, at);
    at += page.bytes.length;
  }
  return bytes;
}
