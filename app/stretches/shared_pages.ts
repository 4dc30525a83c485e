import type { HandedOverLive } from '../counts/traffic.ts';
import type { Segment } from '../log/segment.ts';
import type { Format } from '../views/format.ts';

/** Those who stand at one place come one after the other: so many are enough for some views at once. */
const MAX_PAGES = 8;
/** A page is larger where it holds one large record. */
const MAX_PAGE_BYTES = 64 * 1024;

/** What a client was given, and how far it goes. */
export interface SelectedPage extends HandedOverLive {
  readonly bytes: Uint8Array;
  /** That of its last id. */
  readonly time: number | null;
  readonly segment: Segment;
  /** The place of its first record or gap, and the one after its last. */
  readonly firstSeq: number;
  readonly nextSeq: number;
}

/** For whom a page is put together. */
export interface PageKey {
  /** What is chosen for them, in one log. */
  readonly of: object;
  readonly format: Format;
  /** Where the log ended. */
  readonly endSeq: number;
  /** What else the bytes depend on. */
  readonly content: string;
}

interface Kept {
  readonly key: PageKey;
  readonly page: SelectedPage;
  /** There is nothing for them from here on before what is in it. */
  readonly fromSeq: number;
}

/**
 * The pages that were put together last of what filters choose, for views that several clients have: whoever stands
 * before the same records gets the very same bytes, so that they are compressed once, too.
 */
export class SharedPages {
  readonly #pages: Kept[] = [];

  /** @param seq where the client stands */
  find(key: PageKey, seq: number): SelectedPage | null {
    const isOfIt = ({ fromSeq, page }: Kept): boolean => fromSeq <= seq && seq <= page.firstSeq;
    return this.#pages.find((one) => isOfIt(one) && areSame(one.key, key))?.page ?? null;
  }

  /** @param fromSeq where the client stood */
  add(key: PageKey, fromSeq: number, page: SelectedPage): void {
    if (page.bytes.length > MAX_PAGE_BYTES) return;
    this.#pages.push({ key, fromSeq, page });
    if (this.#pages.length > MAX_PAGES) this.#pages.shift();
  }
}

function areSame(a: PageKey, b: PageKey): boolean {
  const isOfLog = a.of === b.of && a.endSeq === b.endSeq;
  return isOfLog && a.format === b.format && a.content === b.content;
}
