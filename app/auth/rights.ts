import { type Expression, parseExpression } from '../expressions/expression.ts';
import { ANY, LIST, MAP, TEXT_TYPE, type Type } from '../expressions/kinds.ts';
import type { Identity } from './identity.ts';

/** What is read, for a right that depends on it. */
export interface Wanted {
  readonly topic: string;
  /** The right of the topic or stream itself; null: none beside `REQUIRE`. */
  readonly right: Expression | null;
  /** What stands in the path in the place of its parameters. */
  readonly params: Readonly<Record<string, string>>;
}

/** Names of whoever is signed in. */
export const IDENTITY_NAMES: readonly (readonly [string, Type])[] = [
  ['claims', { kinds: MAP, inside: ANY }],
  ['scopes', { kinds: LIST, inside: TEXT_TYPE }],
];

/**
 * A right as `REQUIRE` has it.
 * @throws ExpressionError
 */
export function parseRight(text: string): Expression {
  return parseExpression(text, new Map([...IDENTITY_NAMES, ['topic', TEXT_TYPE]]));
}

/** One that cannot be worked out does not hold. */
export function holds(right: Expression, identity: Identity, wanted: Wanted): boolean {
  const { topic, params } = wanted;
  const { claims, scopes } = identity;
  return right.evaluate({ claims, scopes, topic, params }) === true;
}
