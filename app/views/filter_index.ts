import { type Filter, type FilterResult, resultOfOutcome } from './filter.ts';
import { type RecordFacts, workDone } from './record_facts.ts';

/** Counts what came of each record and filter that was looked at. */
export type FilterTally = Record<FilterResult, number>;

interface HasFilter {
  readonly filter: Filter;
}

/** Is told who wants a record. */
interface Found<Target> {
  match(target: Target): void;
  /** Whether it does cannot be told: the value cannot be read. */
  unread(target: Target): void;
  /** It has to look by itself: to look for all takes too long at once. */
  later(target: Target): void;
}

/** What is looked at of one record without a pause, in characters: some milliseconds. */
const MAX_WORK_AT_ONCE = 2 ** 21;

/** The place of a filter without equalities. */
const ALL = '';

/** Filters that differ only in their constants, and who waits for what. */
interface Shape<Target> {
  /** One of them: what they have in common. */
  readonly example: Filter;
  /** One, mostly: of a thousand keys a list each would take half of the memory. */
  readonly targets: Map<string, Target | readonly Target[]>;
}

/**
 * Finds for each record who wants it: one look-up a shape, whatever the number of filters. A filter
 * without equalities is a shape of its own, and looks at every record.
 */
export class FilterIndex<Target extends HasFilter> {
  readonly #shapes = new Map<string, Shape<Target>>();
  readonly #tally: FilterTally;

  constructor(tally: FilterTally) {
    this.#tally = tally;
  }

  get isEmpty(): boolean {
    return this.#shapes.size === 0;
  }

  /** How many a record is looked up in. */
  get shapes(): number {
    return this.#shapes.size;
  }

  add(filter: Filter, target: Target): void {
    let shape = this.#shapes.get(filter.shape);
    if (shape === undefined) {
      shape = { example: filter, targets: new Map() };
      this.#shapes.set(filter.shape, shape);
    }
    for (const place of filter.places) {
      const there = shape.targets.get(place);
      shape.targets.set(place, there === undefined ? target : [...listOf(there), target]);
    }
  }

  delete(filter: Filter, target: Target): void {
    const shape = this.#shapes.get(filter.shape);
    if (shape === undefined) return;
    for (const place of filter.places) {
      const left = listOf(shape.targets.get(place) ?? []).filter((one) => one !== target);
      if (left.length === 0) shape.targets.delete(place);
      else shape.targets.set(place, left.length === 1 ? left[0]! : left);
    }
    if (shape.targets.size === 0) this.#shapes.delete(filter.shape);
  }

  /** Finds each that wants the record. */
  find(facts: RecordFacts, found: Found<Target>): void {
    const before = workDone();
    for (const { example, targets } of this.#shapes.values()) {
      const isScanned = example.equalities.length === 0;
      if (isScanned && workDone() - before > MAX_WORK_AT_ONCE) {
        for (const there of targets.values()) listOf(there).forEach(found.later);
        continue;
      }
      const place = isScanned ? ALL : example.placeOf(facts);
      const atPlace = place === null ? undefined : targets.get(place);
      if (atPlace === undefined) {
        if (example.canFail) this.#findUnread(facts, example, targets, found);
        continue;
      }
      const there = listOf(atPlace);
      const outcome = example.restOutcome(facts);
      this.#tally[resultOfOutcome(outcome)] += there.length;
      if (outcome === 'match') there.forEach(found.match);
      else if (outcome === 'unread') there.forEach(found.unread);
    }
  }

  /** A field that is not there, or of another kind, is so for all of them; where it cannot be read each is asked. */
  #findUnread(
    facts: RecordFacts,
    example: Filter,
    targets: Shape<Target>['targets'],
    found: Found<Target>,
  ): void {
    if (!facts.isUnread) {
      if (example.outcome(facts) === 'error') this.#tally.error++;
      return;
    }
    for (const target of new Set([...targets.values()].flatMap(listOf<Target>))) {
      if (target.filter.outcome(facts) !== 'unread') continue;
      this.#tally.error++;
      found.unread(target);
    }
  }
}

function listOf<Target extends object>(there: Target | readonly Target[]): readonly Target[] {
  return Array.isArray(there) ? there : [there as Target];
}
