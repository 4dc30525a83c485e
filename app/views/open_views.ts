import type { Filter } from './filter.ts';
import type { Format } from './format.ts';
import { type View, viewIn } from './view.ts';

/** What a view counts as, where there is a most of them. */
export interface ViewLimit {
  /** Those that are counted together. */
  readonly pool: string;
  /** In it, by what it is told from others: equal ones count once. */
  readonly shape: string;
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

/**
 * The views of a topic that are open, one for all who ask the same: let go with the last of them.
 * Filters for which a record costs time are bounded, so that strangers cannot slow a topic down.
 */
export class OpenViews {
  readonly #max: number;
  readonly #views = new Map<string, Entry>();
  /** How many of each shape are open, by pool. */
  readonly #pools = new Map<string, Map<string, number>>();

  /** @param max shapes that are open at once in each pool */
  constructor(max: number) {
    this.#max = max;
  }

  /** Those with a filter or a beat. */
  get size(): number {
    return this.#views.size;
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
    if (limit !== null && !this.#count(limit)) return null;
    const name = `${format.name} ${everyMs} ${filter?.name}`;
    const pace = everyMs === null ? null : { everyMs, next: null };
    const entry: Entry = this.#views.get(name) ?? { format, filter, pace, clients: 0 };
    this.#views.set(name, entry);
    entry.clients++;
    let isOpen = true;
    return {
      view: entry,
      letGo: () => {
        if (!isOpen) return;
        isOpen = false;
        if (--entry.clients === 0) this.#views.delete(name);
        if (limit !== null) this.#uncount(limit);
      },
    };
  }

  #count({ pool, shape }: ViewLimit): boolean {
    const shapes = this.#pools.get(pool) ?? new Map<string, number>();
    const count = shapes.get(shape) ?? 0;
    if (count === 0 && shapes.size >= this.#max) return false;
    this.#pools.set(pool, shapes.set(shape, count + 1));
    return true;
  }

  #uncount({ pool, shape }: ViewLimit): void {
    const shapes = this.#pools.get(pool)!;
    const count = shapes.get(shape)! - 1;
    if (count > 0) shapes.set(shape, count);
    else shapes.delete(shape);
    if (shapes.size === 0) this.#pools.delete(pool);
  }
}
