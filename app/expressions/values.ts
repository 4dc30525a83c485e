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

/** Lists and maps within one another are compared so far. */
const MAX_DEPTH = 500;
/** A part is looked for as the runtime does it where at most so many comparisons can come of that. */
const MAX_TRIES = 2 ** 22;
/** What an entry and a name of a map take beside a character, about. */
const [ENTRY_WORK, NAME_WORK] = [16, 64];
/** What a character takes where a large part is looked for. */
const STEP_WORK = 4;
/** Of texts that are compared, joined or copied as a whole so many characters take as long as one that is looked at. */
const WHOLE_TEXT = 16;

// An evaluation runs to its end at once, so that one count does for all. In an array: a variable would be
// a new object at each change.
const [DONE, MOST] = [0, 1];
const meter = Float64Array.of(0, Number.POSITIVE_INFINITY);

/** What was looked at until now, in characters: some nanoseconds each. */
export function workDone(): number {
  return meter[DONE]!;
}

/** From here on so much may be looked at; what comes to more is an error. */
export function limitWork(work: number): void {
  meter[MOST] = meter[DONE]! + work;
}

/** @returns whether that is still within what may be looked at */
export function spend(work: number): boolean {
  meter[DONE]! += work;
  return meter[DONE]! <= meter[MOST]!;
}

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
export function equals(a: Value, b: Value, depth: number = 0): boolean | typeof ERROR {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    return spend(a.length / WHOLE_TEXT) ? a === b : ERROR;
  }
  const left = checked(a);
  const right = checked(b);
  if (left === ERROR || right === ERROR) return ERROR;
  if (left === null || right === null) return left === right;
  if (typeof left !== typeof right) return ERROR;
  if (typeof left !== 'object') return left === right;
  if (depth === MAX_DEPTH) return ERROR;
  if (Array.isArray(left) && Array.isArray(right)) return listsEqual(left, right, depth + 1);
  return isMap(left) && isMap(right) ? mapsEqual(left, right, depth + 1) : ERROR;
}

function listsEqual(
  a: readonly Value[],
  b: readonly Value[],
  depth: number,
): boolean | typeof ERROR {
  if (a.length !== b.length) return false;
  let outcome: boolean | typeof ERROR = true;
  for (let place = 0; place < a.length; place++) {
    if (!spend(ENTRY_WORK)) return ERROR;
    const isSame = equals(a[place], b[place], depth);
    if (isSame === false) return false;
    if (isSame === ERROR) outcome = ERROR;
  }
  return outcome;
}

function mapsEqual(
  a: Readonly<Record<string, Value>>,
  b: Readonly<Record<string, Value>>,
  depth: number,
): boolean | typeof ERROR {
  const names = Object.keys(a);
  if (!spend(NAME_WORK * names.length)) return ERROR;
  if (names.length !== Object.keys(b).length) return false;
  if (!names.every((name) => Object.hasOwn(b, name))) return false;
  return listsEqual(
    names.map((name) => a[name]),
    names.map((name) => b[name]),
    depth,
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
    if (!spend(ENTRY_WORK)) return ERROR;
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
  if (typeof a === 'string' && typeof b === 'string') {
    return spend(Math.min(a.length, b.length)) ? compareTexts(a, b) : ERROR;
  }
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

/** A text behind another. */
export function join(a: Value, b: Value, maxLength: number): string | typeof ERROR {
  if (typeof a !== 'string' || typeof b !== 'string') return ERROR;
  const length = a.length + b.length;
  return length <= maxLength && spend(length / WHOLE_TEXT) ? a + b : ERROR;
}

/** Whether a text begins with, ends with or has another in it. */
export function hasPart(
  where: 'startsWith' | 'endsWith' | 'contains',
  text: Value,
  part: Value,
): boolean | typeof ERROR {
  if (typeof text !== 'string' || typeof part !== 'string') return ERROR;
  if (where !== 'contains') return spend(part.length / WHOLE_TEXT) ? text[where](part) : ERROR;
  if (text.length * part.length <= MAX_TRIES) {
    return spend(text.length) ? text.includes(part) : ERROR;
  }
  return spend(STEP_WORK * (text.length + part.length)) ? includes(text, part) : ERROR;
}

/**
 * By Knuth, Morris and Pratt, in steps as many as there are characters: what the runtimes do takes the
 * product of the two for some texts, minutes for half a megabyte in one.
 */
function includes(text: string, part: string): boolean {
  const ends = new Uint32Array(part.length);
  for (let at = 1, same = 0; at < part.length; at++) {
    while (same > 0 && part.charCodeAt(at) !== part.charCodeAt(same)) same = ends[same - 1]!;
    if (part.charCodeAt(at) === part.charCodeAt(same)) same++;
    ends[at] = same;
  }
  for (let at = 0, same = 0; at < text.length; at++) {
    while (same > 0 && text.charCodeAt(at) !== part.charCodeAt(same)) same = ends[same - 1]!;
    if (text.charCodeAt(at) === part.charCodeAt(same)) same++;
    if (same === part.length) return true;
  }
  return false;
}

/** Code points of a text, entries of a list, names of a map. */
export function size(value: Value): number | typeof ERROR {
  if (typeof value === 'string') {
    if (!spend(value.length)) return ERROR;
    return codePoints(value);
  }
  if (Array.isArray(value)) return value.length;
  if (!isMap(value)) return ERROR;
  const count = Object.keys(value).length;
  return spend(NAME_WORK * count) ? count : ERROR;
}

function codePoints(text: string): number {
  let points = text.length;
  for (let at = 1; at < text.length; at++) {
    const isLow = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
    if (isLow && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) points--;
  }
  return points;
}
