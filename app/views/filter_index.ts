import type { Filter, FilterResult } from './filter.ts';
import type { RecordFacts } from './record_facts.ts';

/** Counts what came of each record and filter that was looked at. */
export type FilterTally = Record<FilterResult, number>;

/** Filters that differ only in their constants, and who waits for what. */
interface Shape<Target> {
  /** One of them: what they have in common. */
  readonly example: Filter;
  readonly targets: Map<string, Target[]>;
}

/**
 * Finds for each record who wants it: one look-up a shape, whatever the number of filters. A filter
 * without equalities is a shape of its own, and looks at every record.
 */
export class FilterIndex<Target> {
  readonly #shapes = new Map<string, Shape<Target>>();
  readonly #tally: FilterTally;

  constructor(tally: FilterTally) {
    this.#tally = tally;
  }

  get isEmpty(): boolean {
    return this.#shapes.size === 0;
  }

  add(filter: Filter, target: Target): void {
    let shape = this.#shapes.get(filter.shape);
    if (shape === undefined) {
      shape = { example: filter, targets: new Map() };
      this.#shapes.set(filter.shape, shape);
    }
    for (const place of filter.places) {
      const there = shape.targets.get(place);
      if (there === undefined) shape.targets.set(place, [target]);
      else there.push(target);
    }
  }

  delete(filter: Filter, target: Target): void {
    const shape = this.#shapes.get(filter.shape);
    if (shape === undefined) return;
    for (const place of filter.places) {
      const left = shape.targets.get(place)?.filter((one) => one !== target) ?? [];
      if (left.length === 0) shape.targets.delete(place);
      else shape.targets.set(place, left);
    }
    if (shape.targets.size === 0) this.#shapes.delete(filter.shape);
  }

  /** Calls `found` for each that wants the record. */
  find(facts: RecordFacts, found: (target: Target) => void): void {
    for (const { example, targets } of this.#shapes.values()) {
      const place = example.placeOf(facts);
      const there = place === null ? undefined : targets.get(place);
      if (there === undefined) continue;
      const result = example.restOutcome(facts);
      this.#tally[result] += there.length;
      if (result === 'match') for (const target of there) found(target);
    }
  }
}
