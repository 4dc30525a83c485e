import type { Filter } from './filter.ts';
import type { Format } from './format.ts';
import { type View, viewIn } from './view.ts';

/** What a view counts as, where there is a most of them. */
export interface ViewLimit {
  /** Those that are counted together. */
  readonly pool: string;
  /** In it, by what it is told from others: equal ones count once. */
  readonly shape: string;
  /** Whether it counts for a while once nobody has it any more, as what is known for it is kept. */
  readonly lingers?: boolean;
}

/** A view for as long as somebody has it. */
export interface OpenView {
  readonly view: View;
  /** To be called once it is not needed any more; a second call does nothing. */
  letGo(): void;
}

interface Entry extends View {
  clients: number;
}

/** How long some count once nobody has them. */
const LINGER_MS = 60_000;
/** Filters with more constants than this take them out of a stock: each is some hundred bytes of memory. */
const FEW_CONSTANTS = 100;
const STOCK = 500_000;

interface Count {
  readonly open: number;
  readonly unusedSince: number;
}

/**
 * The views of a topic that are open, one for all who ask the same: let go with the last of them.
 * Filters for which a record costs time are bounded, so that strangers cannot slow a topic down, and so is
 * the memory of those with many constants.
 */
export class OpenViews {
  readonly #max: number;
  /** By the name of the filter, one for each format and beat. */
  readonly #views = new Map<string, Entry[]>();
  #stock = STOCK;
  /** How many of each shape are open, by pool. */
  readonly #pools = new Map<string, Map<string, Count>>();

  /** @param max shapes that are open at once in each pool */
  constructor(max: number) {
    this.#max = max;
  }

  /** Those with a filter or a beat. */
  get size(): number {
    let size = 0;
    for (const entries of this.#views.values()) size += entries.length;
    return size;
  }

  /**
   * @param everyMs between two beats; `null` for none
   * @returns `null` where there are as many as there may be
   */
  open(
    format: Format,
    filter: Filter | null,
    limit: ViewLimit | null,
    everyMs: number | null = null,
  ): OpenView | null {
    if (filter === null && everyMs === null) return { view: viewIn(format), letGo: () => {} };
    const name = filter?.name ?? '';
    const entries = this.#views.get(name) ?? [];
    const taken = entries.length === 0 ? constantsOf(filter) : 0;
    if (taken > this.#stock || (limit !== null && !this.#count(limit))) return null;
    this.#stock -= taken;
    const isSame = (one: Entry) => one.format === format && (one.pace?.everyMs ?? null) === everyMs;
    const pace = everyMs === null ? null : { everyMs, next: null };
    const entry = entries.find(isSame) ?? { format, filter, pace, clients: 0 };
    if (entry.clients++ === 0) this.#views.set(name, [...entries, entry]);
    let isOpen = true;
    return {
      view: entry,
      letGo: () => {
        if (!isOpen) return;
        isOpen = false;
        if (--entry.clients === 0) this.#remove(entry, name);
        if (limit !== null) this.#uncount(limit);
      },
    };
  }

  #remove(entry: Entry, name: string): void {
    const left = this.#views.get(name)!.filter((one) => one !== entry);
    if (left.length > 0) this.#views.set(name, left);
    else {
      this.#views.delete(name);
      this.#stock += constantsOf(entry.filter);
    }
  }

  #count({ pool, shape }: ViewLimit): boolean {
    const shapes = this.#pools.get(pool) ?? new Map<string, Count>();
    if (!shapes.has(shape) && shapes.size >= this.#max) forgetPast(shapes);
    const known = shapes.get(shape);
    if (known === undefined && shapes.size >= this.#max) return false;
    this.#pools.set(pool, shapes.set(shape, { open: (known?.open ?? 0) + 1, unusedSince: 0 }));
    return true;
  }

  #uncount({ pool, shape, lingers }: ViewLimit): void {
    const shapes = this.#pools.get(pool)!;
    const open = shapes.get(shape)!.open - 1;
    if (open > 0 || lingers === true) shapes.set(shape, { open, unusedSince: Date.now() });
    else shapes.delete(shape);
    if (shapes.size === 0) this.#pools.delete(pool);
  }
}

function forgetPast(shapes: Map<string, Count>): void {
  const before = Date.now() - LINGER_MS;
  for (const [shape, { open, unusedSince }] of shapes) {
    if (open === 0 && unusedSince <= before) shapes.delete(shape);
  }
}

function constantsOf(filter: Filter | null): number {
  const constants = filter?.constants ?? 0;
  return constants > FEW_CONSTANTS ? constants : 0;
}
