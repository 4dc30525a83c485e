import type { Conjunct, Names } from '../expressions/expression.ts';
import { ANY, MAP, NULL, NUMBER_TYPE, TEXT, TEXT_TYPE, type Type } from '../expressions/kinds.ts';
import { type Condition, constantOf, type Equality } from './filter.ts';
import type { Field } from './record_facts.ts';

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

/** What an expression asks for that is not worked out yet, in words; `null` where it can be. */
export function notServedYet({
  looksAt,
}: {
  readonly looksAt: ReadonlySet<string>;
}): string | null {
  return looksAt.has('value') ? 'value is not served by this version yet' : null;
}

/** The parts of a filter that is written as expressions. */
export function filterParts(conjuncts: readonly Conjunct[]): FilterParts {
  const equalities: Equality[] = [];
  const conditions: Condition[] = [];
  let hasGiven = false;
  for (const conjunct of conjuncts) {
    const field = conjunct.equality === null ? null : fieldOf(conjunct.equality.path);
    if (field !== null) {
      equalities.push({ field, values: conjunct.equality!.values.map(constantOf) });
      continue;
    }
    hasGiven ||= conjunct.hasGiven;
    conditions.push(conditionOf(conjunct));
  }
  return { equalities, conditions, hasGiven };
}

/** All of what both ask for. */
export function joined(a: FilterParts, b: FilterParts): FilterParts {
  return {
    equalities: [...a.equalities, ...b.equalities],
    conditions: [...a.conditions, ...b.conditions],
    hasGiven: a.hasGiven || b.hasGiven,
  };
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
