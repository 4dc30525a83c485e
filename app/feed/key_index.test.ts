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

type Call = readonly [name: 'put' | 'get' | 'forget', partition: number, key: Uint8Array];

function anyCalls(anyKey: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Call[]> {
  const name = fc.constantFrom<Call[0][]>('put', 'put', 'put', 'get', 'forget');
  return fc.array(fc.tuple(name, fc.nat(2), anyKey), { maxLength: 200, size: 'max' });
}

/** Does the same to an index and to a Map, and compares each answer, and all that is left. */
function compareWithMap(index: InstanceType<typeof KeyIndex>, calls: readonly Call[]): void {
  const model = new Map<string, { place: Place; partition: number; key: Uint8Array }>();
  const answers: (Place | null)[] = [];
  const expected: (Place | null)[] = [];
  for (const [seq, [name, partition, key]] of calls.entries()) {
    const id = `${partition}:${key.join()}`;
    const place = { offset: seq * 2, seq };
    if (name === 'forget') {
      // Some sequence number that is no key's any more is nothing to it.
      index.forget(new Set([model.get(id)?.place.seq ?? -1, seq]));
      model.delete(id);
      continue;
    }
    expected.push(model.get(id)?.place ?? null);
    answers.push(
      name === 'get' ? index.get(partition, key) : index.put(partition, key, place.offset, seq),
    );
    if (name === 'put') model.set(id, { place, partition, key });
  }
  for (const { place, partition, key } of model.values()) {
    expected.push(place);
    answers.push(index.get(partition, key));
  }
  expect(answers).toEqual(expected);
  expect(index.size).toBe(model.size);
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
      expect(index.put(partition, key, partition, partition)).toBeNull();
    }
    expect(index.get(1000, key)).toBeNull();
    index.forget(new Set([7]));
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

  test('KeyIndex keeps 100,000 keys apart while they come, change and go', () => {
    const count = 100_000;
    const index = new KeyIndex();
    const wrong: string[] = [];
    const check = (what: string, i: number, got: Place | null, seq: number | null): void => {
      if ((got?.seq ?? null) !== seq || (got?.offset ?? null) !== seq) wrong.push(`${what} ${i}`);
    };
    for (let i = 0; i < count; i++) check('put', i, index.put(0, keyOf(i), i, i), null);
    for (let i = 0; i < count; i += 2) {
      check('put', i, index.put(0, keyOf(i), count + i, count + i), i);
    }
    const gone = new Set<number>();
    for (let i = 0; i < count; i += 3) gone.add(i % 2 === 0 ? count + i : i);
    index.forget(gone);
    for (let i = 0; i < count; i++) {
      const seq = i % 3 === 0 ? null : i % 2 === 0 ? count + i : i;
      check('get', i, index.get(0, keyOf(i)), seq);
    }
    expect(wrong).toEqual([]);
    expect(index.size).toBe(count - Math.ceil(count / 3));
    index.forget(new Set(Array.from({ length: 2 * count }, (_, seq) => seq)));
    expect(index.size).toBe(0);
  });

  test('KeyIndex does not grow where as many keys go as come', () => {
    const index = new KeyIndex();
    const count = 10_000;
    for (let i = 0; i < count; i++) index.put(0, keyOf(i), i, i);
    const before = index.heldBytes;
    for (let i = count; i < 5 * count; i += 100) {
      index.forget(new Set(Array.from({ length: 100 }, (_, j) => i - count + j)));
      for (let j = i; j < i + 100; j++) index.put(0, keyOf(j), j, j);
    }
    expect(index.size).toBe(count);
    expect(index.heldBytes).toBeLessThan(before * 1.3);
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
