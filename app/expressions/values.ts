/**
 * Equality and order of what JSON can hold. Rights hang on it, so what cannot be told is an error and
 * never false: the neighbour's record must not be let through by `!=`.
 *
 * @module
 */

/** What an expression works out where it cannot: no such field, two types, a number too large. */
export const ERROR = Symbol('error');

/** JSON as `JSON.parse` has it, or `ERROR`. */
export type Value = unknown;

/** Beyond it two whole numbers may be one in JavaScript, and be equal without being so. */
export function isExact(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}

/** Of the value of a field: a number that cannot be told from its neighbour is an error. */
export function checked(value: Value): Value {
  return typeof value === 'number' && !isExact(value) ? ERROR : value;
}

/** A map of JSON; its own names are its fields, and nothing that it inherits. */
export function isMap(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field by its name; an error where there is none. */
export function field(value: Value, name: string): Value {
  return isMap(value) && Object.hasOwn(value, name) ? checked(value[name]) : ERROR;
}

/** An entry of a list by its place; an error where there is none. */
export function entry(value: Value, place: number): Value {
  return Array.isArray(value) && place < value.length ? checked(value[place]) : ERROR;
}

/** Null is equal to null alone; two values of different kinds are an error. */
export function equals(a: Value, b: Value): boolean | typeof ERROR {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  const left = checked(a);
  const right = checked(b);
  if (left === ERROR || right === ERROR) return ERROR;
  if (left === null || right === null) return left === right;
  if (Array.isArray(left) && Array.isArray(right)) return listsEqual(left, right);
  if (isMap(left) && isMap(right)) return mapsEqual(left, right);
  return typeof left !== typeof right || typeof left === 'object' ? ERROR : left === right;
}

function listsEqual(a: readonly Value[], b: readonly Value[]): boolean | typeof ERROR {
  if (a.length !== b.length) return false;
  let outcome: boolean | typeof ERROR = true;
  for (const [place, value] of a.entries()) {
    const isSame = equals(value, b[place]);
    if (isSame === false) return false;
    if (isSame === ERROR) outcome = ERROR;
  }
  return outcome;
}

function mapsEqual(
  a: Readonly<Record<string, Value>>,
  b: Readonly<Record<string, Value>>,
): boolean | typeof ERROR {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  if (!names.every((name) => Object.hasOwn(b, name))) return false;
  return listsEqual(
    names.map((name) => a[name]),
    names.map((name) => b[name]),
  );
}

/** Whether a list has the value, as if each entry were compared; or a map has the name. */
export function contains(value: Value, collection: Value): boolean | typeof ERROR {
  if (value === ERROR) return ERROR;
  if (isMap(collection)) {
    return typeof value === 'string' ? Object.hasOwn(collection, value) : ERROR;
  }
  if (!Array.isArray(collection)) return ERROR;
  let outcome: boolean | typeof ERROR = false;
  for (const each of collection) {
    const isSame = equals(value, each);
    if (isSame === true) return true;
    if (isSame === ERROR) outcome = ERROR;
  }
  return outcome;
}

/** @returns below 0 where `a` comes first; texts by code points, as their bytes in UTF-8 are. */
export function compare(a: Value, b: Value): number | typeof ERROR {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  return ERROR;
}

function compareTexts(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Code points of a text, entries of a list, names of a map. */
export function size(value: Value): number | typeof ERROR {
  if (typeof value === 'string') {
    let points = 0;
    for (const _ of value) points++;
    return points;
  }
  if (Array.isArray(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : ERROR;
}
