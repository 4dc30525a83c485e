import { describe, expect, test } from '@jest/globals';
import { coversAll, extended } from './place.ts';

describe('coversAll()', () => {
  test.each<[number[], number[], boolean]>([
    [[], [], true],
    [[5, 5], [5, 5], true],
    [[6, 5], [5, 5], true],
    [[9, 4], [5, 5], false],
    [[5], [5, 0], true],
    [[5], [5, 1], false],
    [[5, 0, 0], [5], true],
  ])('coversAll(%j, %j) is %p', (cursor, other, covers) => {
    expect(coversAll(Float64Array.from(cursor), Float64Array.from(other))).toBe(covers);
  });
});

describe('extended()', () => {
  test('extended() takes a new partition from what the client said of it, else from 0', () => {
    const positions = Float64Array.of(10, 20);
    const unknown = [
      [3, 33],
      [5, 55],
    ] as const;
    expect(extended(positions, 5, unknown)).toEqual(Float64Array.of(10, 20, 0, 33, 0));
    expect(positions).toEqual(Float64Array.of(10, 20));
  });

  test('extended() leaves positions as they are when there is no new partition', () => {
    const positions = Float64Array.of(10, 20);
    expect(extended(positions, 2, [[3, 33]])).toBe(positions);
    expect(extended(positions, 1, [])).toBe(positions);
  });
});
