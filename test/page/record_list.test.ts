import { describe, expect, test } from '@jest/globals';
import { RecordList } from '../../public/page/record_list.js';
import { newRecord } from './records.ts';

function listOf(...values: string[]): RecordList {
  const list = new RecordList();
  for (const value of values) list.add(newRecord({ value }));
  return list;
}

const shown = (list: RecordList): (string | undefined)[] =>
  Array.from({ length: list.length }, (_, index) => list.at(index)?.value);

describe('RecordList', () => {
  test('shows the newest first, and finds each', () => {
    const list = listOf('a', 'b', 'c');
    expect(shown(list)).toEqual(['c', 'b', 'a']);
    expect([0, 1, 2].map((index) => list.indexOf(list.at(index)!))).toEqual([0, 1, 2]);
    expect(list.indexOf(newRecord())).toBe(-1);
    expect([list.at(3), list.at(-1)]).toEqual([undefined, undefined]);
  });

  test('keeps the newest 10,000, and counts all', () => {
    const list = new RecordList();
    const records = Array.from({ length: 25_000 }, () => newRecord());
    for (const record of records) list.add(record);
    expect([list.length, list.kept, list.total]).toEqual([10_000, 10_000, 25_000]);
    expect([list.at(0), list.at(9999)]).toEqual([records.at(-1), records.at(-10_000)]);
    expect([list.indexOf(records.at(-1)!), list.indexOf(records[0]!)]).toEqual([0, -1]);
  });

  test('keeps fewer where they are large, but the newest', () => {
    const list = listOf(...Array.from({ length: 40 }, () => 'v'.repeat(1_000_000)));
    expect(list.kept).toBe(32);
    list.add(newRecord({ value: 'v'.repeat(50_000_000) }));
    expect(list.kept).toBe(1);
  });

  test('shows what has the text of the filter, then and later', () => {
    const list = listOf('Apple', 'pear');
    list.setFilter('APP');
    expect(shown(list)).toEqual(['Apple']);
    list.add(newRecord({ value: 'pineapple' }));
    list.add(newRecord({ value: 'plum' }));
    list.add(newRecord({ value: 'plum', key: 'apple' }));
    expect(shown(list)).toEqual(['plum', 'pineapple', 'Apple']);
    list.setFilter('');
    expect(list.length).toBe(5);
  });

  test('does not show what is no longer kept, with a filter, too', () => {
    const list = listOf('apple', ...Array.from({ length: 9999 }, () => 'pear'));
    list.setFilter('apple');
    expect(list.length).toBe(1);
    list.add(newRecord({ value: 'plum' }));
    expect(list.length).toBe(0);
  });

  test('copy() stays as it is', () => {
    const list = listOf('a', 'b');
    const copy = list.copy();
    for (let i = 0; i < 10_000; i++) list.add(newRecord({ value: 'c' }));
    expect(shown(copy)).toEqual(['b', 'a']);
    copy.setFilter('a');
    expect(shown(copy)).toEqual(['a']);
    expect(list.total - copy.total).toBe(10_000);
  });

  test('clear() counts from 0, and keeps the filter', () => {
    const list = listOf('apple', 'pear');
    list.setFilter('apple');
    list.clear();
    list.add(newRecord({ value: 'plum' }));
    expect([list.length, list.kept, list.total]).toEqual([0, 1, 1]);
  });
});
