import { byteText, type Field, isOfValue, NULL_TEXT, type RecordFacts } from './record_facts.ts';

/** What comes of a filter and a record. What cannot be worked out lets nothing through. */
export const FILTER_RESULTS = ['match', 'skip', 'error'] as const;
export type FilterResult = (typeof FILTER_RESULTS)[number];

/** The same, or `unread`: it could not be told for want of a schema, and might have been a match. */
export type Outcome = FilterResult | 'unread';

/** As what an outcome is counted. */
export function resultOfOutcome(outcome: Outcome): FilterResult {
  return outcome === 'unread' ? 'error' : outcome;
}

/** A field has one of these values, each as `RecordFacts.text` has it. */
export interface Equality {
  readonly field: Field;
  readonly values: readonly string[];
}

/** What a filter asks for beside equalities. */
export interface Condition {
  /** The same for conditions that are the same. */
  readonly name: string;
  /** What of a record it looks at, as a field or by the names that expressions have. */
  readonly looksAt: ReadonlySet<string>;
  outcome(facts: RecordFacts): FilterResult;
}

/** More places in the index than this are not made for one filter. */
const MAX_PLACES = 1000;
/** What a key's newest record has in common with those before it. */
const OF_KEY: ReadonlySet<string> = new Set(['topic', 'partition', 'key']);

const encoder = new TextEncoder();

/** A text as the values of an equality of keys or headers are. */
export function constantOf(text: string): string {
  return byteText(encoder.encode(text));
}

/**
 * Which records a client wants: those for which all equalities and all conditions hold.
 *
 * Filters that differ only in the constants of their equalities have the same shape: of all of them
 * a record wants one look-up, see `FilterIndex`.
 */
export class Filter {
  /** The same for filters that want the same by the same words. */
  readonly name: string;
  readonly shape: string;
  /** By which a record is looked up, each once, in order of their names. */
  readonly equalities: readonly Equality[];
  /** Conditions, and equalities with which there would be too many places. */
  readonly #conditions: readonly Condition[];
  /** Those that come to the same for all records of a key and partition. */
  readonly #ofKey: readonly Condition[];
  /** Whether all records of a key and partition come to the same. */
  readonly isOfKey: boolean;
  /** Whether it has equalities by which no record is looked up, as they have too many values. */
  readonly hasLongLists: boolean;
  /** Whether it may ask for what lies in the value. */
  readonly looksAtValue: boolean;
  /** Whether an equality may be an error: a header or what lies in the value may not be there. */
  readonly canFail: boolean;

  /**
   * The part of it that says which keys a client may see at all, beside what it asks for itself; `null`
   * where its keys are no secret.
   */
  readonly guard: Filter | null;
  /** Since when that has been so, Unix milliseconds; 0 for as long as the gateway has been there. */
  readonly guardSince: number;

  constructor(
    equalities: readonly Equality[],
    conditions: readonly Condition[],
    guard: Filter | null = null,
    guardSince: number = 0,
  ) {
    this.guard = guard;
    this.guardSince = guardSince;
    const known = new Map<Field, Equality>();
    for (const one of equalities) known.set(one.field, inBoth(known.get(one.field), one));
    const inOrder = [...known.values()].sort((a, b) => (a.field < b.field ? -1 : 1));
    const indexed: Equality[] = [];
    const rest = [...conditions];
    let places = 1;
    for (const one of inOrder) {
      places *= Math.max(1, one.values.length);
      if (places <= MAX_PLACES) indexed.push(one);
      else rest.push(conditionOf(one));
    }
    const names = rest.map(({ name }) => name).sort();
    this.equalities = indexed;
    this.#conditions = rest;
    this.hasLongLists = rest.length > conditions.length;
    this.shape = JSON.stringify([indexed.map(({ field }) => field), names]);
    const own = [indexed.map(({ field, values }) => [field, values]), names];
    this.name = JSON.stringify(guard === null ? own : [...own, guard.name, guardSince]);
    const fields = indexed.map(({ field }) => field);
    const looksAt = [...fields, ...rest.flatMap((condition) => [...condition.looksAt])];
    this.canFail = fields.some((field) => field !== 'key');
    this.isOfKey = looksAt.every((name) => OF_KEY.has(name));
    this.looksAtValue = looksAtValue(new Set(looksAt));
    this.#ofKey = rest.filter((condition) => [...condition.looksAt].every((n) => OF_KEY.has(n)));
  }

  /** Whether it may let through any record of this one's key and partition. */
  mayWantKeyOf(facts: RecordFacts): boolean {
    const key = facts.text('key');
    for (const { field, values } of this.equalities) {
      if (field === 'key' && (key === null || !hasValue(values, key))) return false;
    }
    return this.#ofKey.every((condition) => condition.outcome(facts) === 'match');
  }

  /** Whether it asks for nothing but keys. */
  get isKeysAlone(): boolean {
    return this.equalities.every(({ field }) => field === 'key') && this.#conditions.length === 0;
  }

  /** How many constants its equalities have. */
  get constants(): number {
    return this.equalities.reduce((sum, { values }) => sum + values.length, 0);
  }

  /** Under which a record stands that it wants, of all filters of its shape. */
  get places(): string[] {
    let rows: string[][] = [[]];
    for (const { values } of this.equalities) {
      rows = rows.flatMap((row) => values.map((value) => [...row, value]));
    }
    return rows.map(placeOf);
  }

  /** Where a record stands among the filters of this shape; `null` where it lacks a field. */
  placeOf(facts: RecordFacts): string | null {
    const texts: string[] = [];
    for (const { field } of this.equalities) {
      const text = facts.text(field);
      if (text === null) return null;
      texts.push(text);
    }
    return placeOf(texts);
  }

  outcome(facts: RecordFacts): Outcome {
    let outcome: Outcome = 'match';
    for (const equality of this.equalities) {
      outcome = both(outcome, equalityOutcome(equality, facts));
      if (outcome === 'skip') return 'skip';
    }
    return both(outcome, this.restOutcome(facts));
  }

  /** The same for a record of which the equalities hold. */
  restOutcome(facts: RecordFacts): Outcome {
    let outcome: Outcome = 'match';
    for (const condition of this.#conditions) {
      const result = condition.outcome(facts);
      if (result === 'skip') return 'skip';
      if (result === 'match') continue;
      const isUnread = facts.isUnread && looksAtValue(condition.looksAt);
      outcome = both(outcome, isUnread ? 'unread' : 'error');
    }
    return outcome;
  }
}

/** The one that decides: what does not hold, also beside an error; an error, also beside what is not known. */
function both(a: Outcome, b: Outcome): Outcome {
  return DECIDES.indexOf(a) < DECIDES.indexOf(b) ? a : b;
}

const DECIDES: readonly Outcome[] = ['skip', 'error', 'unread', 'match'];

function looksAtValue(names: ReadonlySet<string>): boolean {
  for (const name of names) if (name === 'value' || isOfValue(name as Field)) return true;
  return false;
}

function equalityOutcome({ field, values }: Equality, facts: RecordFacts): Outcome {
  const text = facts.text(field);
  if (text === null) {
    if (field === 'key') return 'skip';
    const mayMatch = isOfValue(field) && facts.isUnread && values.length > 0;
    return mayMatch ? 'unread' : 'error';
  }
  if (hasValue(values, text)) return 'match';
  return isOfValue(field) && values.some((value) => !areComparable(value, text)) ? 'error' : 'skip';
}

/** Of two values as texts: those of one kind, and null with all. */
function areComparable(a: string, b: string): boolean {
  return a === NULL_TEXT || b === NULL_TEXT || (a[0] === b[0] && a[0] !== '{');
}

/** What has both: the values that are in the one and in the other. */
function inBoth(known: Equality | undefined, one: Equality): Equality {
  const values = [...new Set(one.values)].sort();
  if (known === undefined) return { field: one.field, values };
  const others = new Set(known.values);
  return { field: one.field, values: values.filter((value) => others.has(value)) };
}

function conditionOf(equality: Equality): Condition {
  const { field, values } = equality;
  return {
    name: JSON.stringify([field, values]),
    looksAt: new Set([field]),
    outcome: (facts) => resultOfOutcome(equalityOutcome(equality, facts)),
  };
}

/** Values are in order. */
function hasValue(values: readonly string[], text: string): boolean {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return values[low] === text;
}

function placeOf(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : texts.map((text) => `${text.length}:${text}`).join('');
}
