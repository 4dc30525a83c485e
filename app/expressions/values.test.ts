import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare, contains, ERROR, equals, hasPart, join, limitWork, size } from './values.ts';

const ENOUGH = 2 ** 24;

describe('hasPart()', () => {
  test('hasPart() finds a large part in a large text where the runtime finds it', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'ab', 'aab'), { maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, fc.nat(4000), fc.boolean(), (unit, more, from, isIn) => {
        limitWork(ENOUGH);
        const text = `${unit.join('') || 'a'}`.repeat(3000).slice(0, 3000) + more.join('');
        const part = text.slice(from % 900, (from % 900) + 2000) + (isIn ? '' : more.join(''));
        expect(hasPart('contains', text, part)).toBe(text.includes(part));
      }),
      { numRuns: 200 },
    );
  });

  test('hasPart() ends soon for a text that all but has the part everywhere', () => {
    limitWork(ENOUGH);
    const text = 'a'.repeat(2 ** 19);
    expect(hasPart('contains', text, `b${'a'.repeat(2 ** 18)}`)).toBe(false);
    expect(hasPart('contains', text, 'a'.repeat(2 ** 18))).toBe(true);
  });
});

describe('equals()', () => {
  test('equals() does not tell lists within one another beyond any use', () => {
    limitWork(ENOUGH);
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(equals(nested(400), nested(400))).toBe(true);
    expect(equals(nested(100_000), nested(100_000))).toBe(ERROR);
  });
});

describe('size()', () => {
  test('size() of a text is its code points', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\ud83d', '\ude00', 'ä') }), (text) => {
        limitWork(ENOUGH);
        expect(size(text)).toBe([...text].length);
      }),
    );
  });
});

describe('limitWork()', () => {
  const text = 'x'.repeat(1000);
  const list = Array.from({ length: 1000 }, (_, n) => n);
  const map = Object.fromEntries(list.map((n) => [`${n}`, n]));

  test.each<[string, () => unknown]>([
    ['size() of a text', () => size(text)],
    ['size() of a map', () => size(map)],
    ['compare()', () => compare(text, text)],
    ['contains() of a list', () => contains(-1, list)],
    ['equals() of lists', () => equals(list, [...list])],
    ['equals() of maps', () => equals(map, { ...map })],
    ['equals() of texts', () => equals(text.repeat(30), text.repeat(30))],
    ['join()', () => join(text.repeat(30), text, 2 ** 20)],
    ['hasPart()', () => hasPart('contains', text, 'y')],
  ])('limitWork() makes an error of %s that looks at more', (_, run) => {
    limitWork(ENOUGH);
    expect(run()).not.toBe(ERROR);
    limitWork(900);
    expect(run()).toBe(ERROR);
  });
});
