import type { IdClock } from '../log/id_clock.ts';
import type { View } from '../views/view.ts';
import type { Positions } from '../wire/place.ts';

/** A crowd goes from page to page together: these are enough for it. */
const MAX_PAGES = 8;
/** A page is larger where it holds one large record. */
const MAX_PAGE_BYTES = 64 * 1024;

/** What a client got that stood at a place. */
export interface Page {
  readonly view: View;
  readonly from: Positions;
  readonly to: Positions;
  readonly bytes: Uint8Array;
  /** Whether `to` lies past the last id. */
  readonly isPastId: boolean;
  /** That of its ids; `null` on a topic that is not compacted. */
  readonly time: number | null;
  /** Blocks that are more than an id; of them, gaps. */
  readonly events: number;
  readonly gaps: number;
  /** The end of the log at that time: past it some of the records may be superseded. */
  readonly logSeq: number;
}

/**
 * The pages that were put together last. The ids of a topic of many partitions are each client's
 * own, but of a crowd that comes at once (new clients, or all those of a gateway that was started
 * again) many stand at the very same place, and get the same page.
 */
export class PageCache {
  readonly #pages: Page[] = [];

  /** @param clock says which are too old */
  find(view: View, from: Positions, logSeq: number, clock: IdClock | null): Page | null {
    const page = this.#pages.find(
      (one) =>
        one.view === view &&
        one.logSeq === logSeq &&
        areEqual(one.from, from) &&
        !clock?.isTooOld(one.time ?? 0),
    );
    return page ?? null;
  }

  add(page: Page): void {
    if (page.bytes.length > MAX_PAGE_BYTES) return;
    this.#pages.push(page);
    if (this.#pages.length > MAX_PAGES) this.#pages.shift();
  }
}

function areEqual(a: Positions, b: Positions): boolean {
  return a.length === b.length && a.every((position, partition) => position === b[partition]);
}
