/**
 * What is known of a value before there is one: which kinds it can be of, and what lies in it. A set of
 * kinds is a number, one bit a kind.
 *
 * @module
 */

export const NULL = 1;
export const BOOL = 2;
export const NUMBER = 4;
export const TEXT = 8;
export const LIST = 16;
export const MAP = 32;
const ANY_KIND = 63;

const KIND_NAMES = ['null', 'true or false', 'a number', 'a text', 'a list', 'a map'];

/** The values that can stand in one place. */
export interface Type {
  /** Those of `NULL` to `MAP` that can be there. */
  readonly kinds: number;
  /** What lies in a list, or under any name of a map; left out where nothing is known of it. */
  readonly inside?: Type;
  /** The only names that a map has. */
  readonly names?: ReadonlyMap<string, Type>;
}

export const ANY: Type = { kinds: ANY_KIND };
export const BOOL_TYPE: Type = { kinds: BOOL };
export const NUMBER_TYPE: Type = { kinds: NUMBER };
export const TEXT_TYPE: Type = { kinds: TEXT };

/** Whether `==` can work it out and mean it: values of one kind, and null itself with all. */
export function areComparable(a: Type, b: Type): boolean {
  return (a.kinds & b.kinds) !== 0 || a.kinds === NULL || b.kinds === NULL;
}

/** In words, for a fault. */
export function nameKinds(type: Type): string {
  return KIND_NAMES.filter((_, bit) => (type.kinds & (1 << bit)) !== 0).join(' or ');
}
