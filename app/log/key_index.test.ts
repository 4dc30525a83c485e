import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Place } from './key_index.ts';

const { KeyIndex } = await import('./key_index.ts');

/** All keys in one table, and where in it is said by a key's first byte: they crowd as hash to hash. */
class CrowdingHash {
  readonly words = new Uint32Array(4);

  update(partition: number, key: Uint8Array): void {
    this.words.set([0, (key[0]! * 0x01010101) >>> 0, key[1]!, partition]);
  }
}
jest.unstable_mockModule('./hash.ts', () => ({ Hash128: CrowdingHash }));
jest.resetModules();
const { KeyIndex: CrowdedIndex } = await import('./key_index.ts');

type Call = readonly [name: 'put' | 'delete' | 'get' | 'sweep', partition: number, key: Uint8Array];
type Index = InstanceType<typeof KeyIndex>;

function anyCalls(anyKey: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Call[]> {
  const name = fc.constantFrom<Call[0][]>('put', 'put', 'delete', 'delete', 'get', 'sweep');
  return fc.array(fc.tuple(name, fc.nat(2), anyKey), { maxLength: 200, size: 'max' });
}

interface Known {
  readonly place: Place;
  readonly partition: number;
  readonly key: Uint8Array;
  readonly isDelete: boolean;
}

/** Does the same to an index and to a Map, and compares each answer, and all that is left. */
function compareWithMap(index: Index, calls: readonly Call[]): void {
  const model = new Map<string, Known>();
  const [wide, narrow] = [index.addMarks(true), index.addMarks(false)];
  const marks = new Map<string, number>();
  const answers: unknown[] = [];
  const expected: unknown[] = [];
  for (const [seq, [name, partition, key]] of calls.entries()) {
    const id = `${partition}:${key.join()}`;
    const known = model.get(id);
    if (name === 'sweep') {
      const [before, offset] = [seq - 3, known?.place.offset ?? 0];
      index.beginSweep();
      answers.push(index.see(partition, key, offset + 1), index.see(partition, key, offset));
      expected.push(false, known?.isDelete ?? false);
      const isGone = ([other, { place, isDelete }]: [string, Known]): boolean =>
        isDelete && other !== id && place.seq < before;
      const gone = [...model].filter(isGone);
      const forgotten = [...index.forgetUnseen(before)].flat().map((one) => one.seq);
      answers.push(forgotten.sort((one, other) => one - other));
      expected.push(gone.map(([, { place }]) => place.seq).sort((one, other) => one - other));
      for (const [other] of gone) {
        model.delete(other);
        marks.delete(other);
      }
      continue;
    }
    expected.push(known?.place ?? null);
    if (name === 'get') {
      answers.push(index.get(partition, key));
      continue;
    }
    const [place, isDelete] = [{ offset: seq * 2, seq }, name === 'delete'];
    answers.push(index.put(partition, key, place.offset, seq, isDelete));
    model.set(id, { place, partition, key, isDelete });
    // What stands beside a key stays with its next record.
    answers.push(index.mark(wide, partition, key));
    expected.push(marks.get(id) ?? 0);
    if (seq % 3 === 0) continue;
    index.setMark(wide, partition, key, 2 ** 53 - seq);
    index.setMark(narrow, partition, key, seq % 256);
    marks.set(id, 2 ** 53 - seq);
  }
  for (const [id, { place, partition, key }] of model) {
    const mark = marks.get(id);
    expected.push(place, mark ?? 0, mark === undefined ? 0 : (2 ** 53 - mark) % 256);
    answers.push(index.get(partition, key));
    for (const column of [wide, narrow]) answers.push(index.mark(column, partition, key));
  }
  expect(answers).toEqual(expected);
  expect(index.size).toBe(model.size);
  expect(index.deletes).toBe([...model.values()].filter(({ isDelete }) => isDelete).length);
}

/** Forgets all deletes below a sequence number. */
function forgetAll(index: Index, seq = Number.POSITIVE_INFINITY): void {
  index.beginSweep();
  for (const _ of index.forgetUnseen(seq));
}

const keyBytes = new Uint8Array(12);

/** Valid until the next call: an index keeps no hold of a key. */
function keyOf(i: number): Uint8Array {
  keyBytes[0] = i;
  keyBytes[1] = i >> 8;
  keyBytes[2] = i >> 16;
  return keyBytes;
}

describe('KeyIndex', () => {
  test('KeyIndex answers as a Map does', () => {
    const anyKey = fc.uint8Array({ maxLength: 2, max: 3 });
    fc.assert(fc.property(anyCalls(anyKey), (calls) => compareWithMap(new KeyIndex(), calls)));
  });

  test('KeyIndex answers as a Map does where keys crowd, over the end of the table too', () => {
    const home = fc.constantFrom(0, 1, 128, 254, 255, 255, 255);
    const anyKey = fc.tuple(home, fc.nat(20)).map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(anyCalls(anyKey), (calls) => compareWithMap(new CrowdedIndex(), calls)),
      { numRuns: 100 },
    );
  });

  test('KeyIndex tells the same key apart in each partition', () => {
    const index = new KeyIndex();
    const key = keyOf(1);
    for (let partition = 0; partition < 1000; partition++) {
      expect(index.put(partition, key, partition, partition, partition === 7)).toBeNull();
    }
    expect(index.get(1000, key)).toBeNull();
    forgetAll(index);
    expect(index.get(7, key)).toBeNull();
    expect(index.get(8, key)).toEqual({ offset: 8, seq: 8 });
    expect(index.size).toBe(999);
  });

  test('KeyIndex takes the empty key, offset 0 and the largest numbers', () => {
    const index = new KeyIndex();
    const empty = new Uint8Array(0);
    const last = Number.MAX_SAFE_INTEGER;
    expect(index.put(0, empty, 0, 0)).toBeNull();
    expect(index.put(0, empty, last - 1, last)).toEqual({ offset: 0, seq: 0 });
    expect(index.get(0, empty)).toEqual({ offset: last - 1, seq: last });
  });

  test('KeyIndex keeps no hold of a key: its bytes may be used again', () => {
    const index = new KeyIndex();
    const key = keyOf(1).slice();
    index.put(0, key, 5, 5);
    key.fill(0);
    expect(index.get(0, key)).toBeNull();
    expect(index.get(0, keyOf(1))).toEqual({ offset: 5, seq: 5 });
  });

  test('KeyIndex keeps 40,000 keys apart while they come, change and go', () => {
    const count = 40_000;
    const index = new KeyIndex();
    const wrong: string[] = [];
    const check = (what: string, i: number, got: Place | null, seq: number | null): void => {
      if ((got?.seq ?? null) !== seq || (got?.offset ?? null) !== seq) wrong.push(`${what} ${i}`);
    };
    const put = (i: number, seq: number): Place | null =>
      index.put(0, keyOf(i), seq, seq, i % 3 === 0);
    for (let i = 0; i < count; i++) check('put', i, put(i, i), null);
    for (let i = 0; i < count; i += 2) check('put', i, put(i, count + i), i);
    forgetAll(index);
    for (let i = 0; i < count; i++) {
      const seq = i % 3 === 0 ? null : i % 2 === 0 ? count + i : i;
      check('get', i, index.get(0, keyOf(i)), seq);
    }
    expect(wrong).toEqual([]);
    expect(index.size).toBe(count - Math.ceil(count / 3));
    for (let i = 0; i < count; i++) index.put(0, keyOf(i), 3 * count + i, i, true);
    forgetAll(index);
    expect(index.size).toBe(0);
  });

  test('KeyIndex keeps marks of 40,000 keys, of columns that come later too', () => {
    const index = new KeyIndex();
    const columns = [index.addMarks(true)];
    for (let i = 0; i < 40_000; i++) {
      index.put(0, keyOf(i), i, i);
      index.setMark(columns[0]!, 0, keyOf(i), i + 1);
      if (i === 20_000) columns.push(index.addMarks(true));
    }
    const marksOf = (column: number): number[] =>
      Array.from({ length: 40_000 }, (_, i) => index.mark(column, 0, keyOf(i)));
    expect(marksOf(columns[0]!)).toEqual(Array.from({ length: 40_000 }, (_, i) => i + 1));
    expect(new Set(marksOf(columns[1]!))).toEqual(new Set([0]));
    const held = index.heldBytes;
    index.removeMarks(columns[0]!);
    expect(index.heldBytes).toBeLessThan(held);
    // The place of one that is gone is taken, empty.
    expect(index.addMarks(false)).toBe(columns[0]);
    expect(index.mark(columns[0]!, 0, keyOf(1))).toBe(0);
  });

  test('KeyIndex does not grow where as many keys go as come', () => {
    const index = new KeyIndex();
    const count = 10_000;
    for (let i = 0; i < count; i++) index.put(0, keyOf(i), i, i, true);
    const before = index.heldBytes;
    for (let i = count; i < 5 * count; i += 100) {
      forgetAll(index, i - count + 100);
      for (let j = i; j < i + 100; j++) index.put(0, keyOf(j), j, j, true);
    }
    expect(index.size).toBe(count);
    expect(index.heldBytes).toBeLessThan(before * 1.3);
  });

  test('KeyIndex has no large table, and forgets in short steps, however many keys there are', () => {
    const index = new KeyIndex();
    const count = 150_000;
    for (let i = 0; i < count; i++) index.put(0, keyOf(i), i, i, true);
    index.beginSweep();
    // A step looks at so many deletes, which all stay.
    const looks = [...index.forgetUnseen(0)];
    expect(looks.length).toBeGreaterThanOrEqual(count / 1024);
    const steps = [...index.forgetUnseen(count)].map(({ length }) => length);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1024);
    expect(index.size).toBe(0);
  });

  test('KeyIndex tells those deletes alone that were seen in this sweep, after any number of sweeps', () => {
    const index = new KeyIndex();
    for (let i = 0; i < 2; i++) index.put(0, keyOf(i), i, i, true);
    for (let sweep = 0; sweep < 1000; sweep++) {
      index.beginSweep();
      expect([index.see(0, keyOf(0), 0), index.see(0, keyOf(1), 1)]).toEqual([true, true]);
      expect([...index.forgetUnseen(2)].flat()).toEqual([]);
    }
    index.beginSweep();
    index.see(0, keyOf(0), 0);
    expect([...index.forgetUnseen(2)].flat()).toEqual([{ partition: 0, offset: 1, seq: 1 }]);
  });

  test('KeyIndex holds at most 50 bytes a key, whatever their number', () => {
    const index = new KeyIndex();
    let most = 0;
    for (let i = 1; i <= 200_000; i++) {
      index.put(0, keyOf(i), i, i);
      if (i >= 10_000 && i % 1000 === 0) most = Math.max(most, index.heldBytes / i);
    }
    expect(index.size).toBe(200_000);
    expect(most).toBeLessThanOrEqual(50);
    expect(most).toBeGreaterThan(32);
  });
});
