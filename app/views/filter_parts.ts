import type { Conjunct, Names } from '../expressions/expression.ts';
import { ANY, MAP, NULL, NUMBER_TYPE, TEXT, TEXT_TYPE, type Type } from '../expressions/kinds.ts';
import { type Condition, constantOf, type Equality } from './filter.ts';
import { type Field, valueField, valueText } from './record_facts.ts';

/** What is asked for of records: all of it must hold. */
export interface FilterParts {
  readonly equalities: readonly Equality[];
  readonly conditions: readonly Condition[];
  /** Whether one of the conditions differs from client to client by what is known of each. */
  readonly hasGiven: boolean;
}

/** What an expression may ask for of a record, and what can stand there. */
export const RECORD_NAMES: Names = new Map<string, Type>([
  ['partition', NUMBER_TYPE],
  ['offset', NUMBER_TYPE],
  ['timestamp', NUMBER_TYPE],
  ['key', { kinds: TEXT | NULL }],
  ['headers', { kinds: MAP, inside: TEXT_TYPE }],
  ['value', ANY],
]);

/** The parts of a filter that is written as expressions. */
export function filterParts(conjuncts: readonly Conjunct[]): FilterParts {
  const equalities: Equality[] = [];
  const conditions: Condition[] = [];
  let hasGiven = false;
  for (const conjunct of conjuncts) {
    const equality = conjunct.equality === null ? null : equalityOf(conjunct.equality);
    if (equality !== null) {
      equalities.push(equality);
      continue;
    }
    hasGiven ||= conjunct.hasGiven;
    conditions.push(conditionOf(conjunct));
  }
  return { equalities, conditions, hasGiven };
}

/**
 * What differs in nothing but the constants of its equalities from what `conjuncts` come to, whatever is given.
 * @param unknown names of what will be given
 * @returns `null` where what comes of it may differ in more
 */
export function shapeParts(
  conjuncts: readonly Conjunct[],
  unknown: ReadonlySet<string>,
): FilterParts | null {
  const equalities: Equality[] = [];
  const conditions: Condition[] = [];
  for (const conjunct of conjuncts) {
    const { equalityPath: path } = conjunct;
    const isKnown = [...conjunct.given].every((name) => !unknown.has(name));
    const ofAny = path === null ? null : { path, values: [] };
    const asked = isKnown ? conjunct.equality : ofAny;
    const equality = asked === null ? null : equalityOf(asked);
    if (equality !== null) equalities.push(equality);
    else if (isKnown) conditions.push(conditionOf(conjunct));
    else return null;
  }
  return { equalities, conditions, hasGiven: false };
}

/** All of what both ask for. */
export function joined(a: FilterParts, b: FilterParts): FilterParts {
  return {
    equalities: [...a.equalities, ...b.equalities],
    conditions: [...a.conditions, ...b.conditions],
    hasGiven: a.hasGiven || b.hasGiven,
  };
}

/** `null` for one by which no record is looked up. */
function equalityOf({ path, values }: NonNullable<Conjunct['equality']>): Equality | null {
  if (path[0] === 'value') {
    const field = valueField(path.slice(1));
    return field === null ? null : { field, values: values.map((value) => valueText(value)!) };
  }
  const field = fieldOf(path);
  const texts = values.filter((value) => typeof value === 'string');
  // A key or header is compared with texts; with null, which is no text, by the expression.
  if (field === null || texts.length < values.length) return null;
  return { field, values: texts.map(constantOf) };
}

function fieldOf(path: readonly string[]): Field | null {
  if (path.length === 1 && path[0] === 'key') return 'key';
  return path.length === 2 && path[0] === 'headers' ? `header:${path[1]}` : null;
}

function conditionOf({ name, looksAt, evaluate }: Conjunct): Condition {
  return {
    name,
    looksAt,
    outcome: ({ scope }) => {
      const outcome = evaluate(scope);
      if (outcome === 'error') return 'error';
      return outcome ? 'match' : 'skip';
    },
  };
}
