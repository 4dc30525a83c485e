import { type Field, fieldBytes, isOfValue, type RecordFacts } from '../views/record_facts.ts';
import { type Columns, DEAD, LIVE } from './columns.ts';
import type { Facts } from './facts.ts';

/** Rows that a segment may have; with the 32 bits of a hash they fit a number. */
export const MAX_ROWS: number = 2 ** 21;

/**
 * In which rows of a segment the values of a field stand, made on demand: of ten thousand clients that
 * come back each finds its own by a few steps, where it would look at every record. Eight bytes a row.
 */
export class FieldPlaces {
  /** Hash and row of each record that has the field, ascending. */
  readonly #places: Float64Array;
  /** Those of which the value could not be read: later it may be. */
  readonly #open: number[];
  /** In as many rows. */
  readonly count: number;

  /**
   * @param columns of fewer than `MAX_ROWS` rows, which stay as they are; others may be added
   * @param facts of its records, and is told how many were looked at
   * @param before those of the first rows
   */
  constructor(columns: Columns, field: Field, facts: Facts, before: FieldPlaces | null = null) {
    const places: number[] = before === null ? [] : Array.from(before.#places);
    this.#open = before === null ? [] : before.#open.slice();
    const { count, states } = columns;
    const from = before === null ? 0 : before.count;
    this.count = count;
    const isValue = isOfValue(field);
    facts.spend(count - from);
    for (let at = from; at < count; at++) {
      if (states[at] !== LIVE && states[at] !== DEAD) continue;
      const hash = isValue
        ? this.#valueHash(facts.ofField(columns, at, field), field, at)
        : keyHash(columns, at, field);
      if (hash !== null) places.push(hash * MAX_ROWS + at);
    }
    this.#places = Float64Array.from(places).sort();
  }

  get heldBytes(): number {
    return this.#places.byteLength + 8 * this.#open.length;
  }

  /** Rows that may have one of the values, each as `RecordFacts.text` has it, ascending; others of the same hash among them. */
  rowsOf(values: readonly string[]): number[] {
    const rows = [...this.#open];
    for (const value of values) {
      const low = hashOfText(value) * MAX_ROWS;
      for (let at = this.#firstFrom(low); at < this.#places.length; at++) {
        const row = this.#places[at]! - low;
        if (row >= MAX_ROWS) break;
        rows.push(row);
      }
    }
    const isInOrder = values.length === 1 && this.#open.length === 0;
    return isInOrder ? rows : [...new Set(rows)].sort((a, b) => a - b);
  }

  #valueHash(facts: RecordFacts, field: Field, at: number): number | null {
    const text = facts.text(field);
    if (facts.mayChange) this.#open.push(at);
    return text === null ? null : hashOfText(text);
  }

  #firstFrom(place: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#places[middle]! < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function keyHash(columns: Columns, at: number, field: Field): number | null {
  const bytes = fieldBytes(columns.record(at), field);
  return bytes === null ? null : hashOf(bytes);
}

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv: whoever makes keys that meet makes those who look for
// one of them look at all of them, as they would without places.
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

function hashOf(bytes: Uint8Array): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
  return hash >>> 0;
}

function hashOfText(text: string): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return hash >>> 0;
}
