import { describe, expect, test } from '@jest/globals';
import { DeleteList } from './delete_list.ts';

function listOf(count: number, isLatest: (offset: number) => boolean = () => true): DeleteList {
  const list = new DeleteList(({ offset, words }) => words[0] === offset && isLatest(offset));
  for (let offset = 0; offset < count; offset++) list.push(offset, Uint32Array.of(offset, 1, 2, 3));
  return list;
}

/** All offsets in a range. */
function offsetsOf(list: DeleteList, from: number, to: number): number[] {
  const offsets: number[] = [];
  for (let some = list.some(from, to); some.length > 0; ) {
    for (const { offset, words } of some) {
      expect([...words]).toEqual([offset, 1, 2, 3]);
      offsets.push(offset);
    }
    some = list.some(offsets.at(-1)! + 1, to);
  }
  return offsets;
}

describe('DeleteList', () => {
  test('DeleteList.some() gives those of a range, a part at a time', () => {
    const list = listOf(5000);
    const all = Array.from({ length: 5000 }, (_, offset) => offset);
    expect(offsetsOf(list, 0, Number.POSITIVE_INFINITY)).toEqual(all);
    expect(offsetsOf(list, 1000, 3001)).toEqual(all.slice(1000, 3001));
    expect(list.some(5000, 6000)).toEqual([]);
    expect(listOf(0).some(0, 10)).toEqual([]);
  });

  test('DeleteList.push() lets go of what was superseded', () => {
    let latestFrom = 0;
    const list = listOf(0, (offset) => offset >= latestFrom);
    for (let offset = 0; offset < 200_000; offset++) {
      latestFrom = offset - 2000;
      list.push(offset, Uint32Array.of(offset, 1, 2, 3));
    }
    expect(list.heldBytes).toBeLessThan(3 * 2000 * 24);
    expect(offsetsOf(list, 198_000, 200_000)).toHaveLength(2000);
  });

  test('DeleteList.push() goes on behind a part that was cleaned', () => {
    const list = listOf(1024, (offset) => offset === 7);
    for (const offset of [1024, 1025]) list.push(offset, Uint32Array.of(offset, 1, 2, 3));
    expect(offsetsOf(list, 0, 2000)).toEqual([7, 1024, 1025]);
  });
});
