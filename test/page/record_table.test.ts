import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RecordTable } from '../../public/page/record_table.js';
import type { StreamRecord } from '../../public/page/stream_record.js';
import { newRecord } from './records.ts';

const message = (key: string | null, value = 'v', partition = 0): StreamRecord =>
  newRecord({ key, value, partition });
const deletion = (key: string): StreamRecord =>
  newRecord({ kind: 'delete', key, value: `Deleted: key ${key}` });

function tableOf(...records: StreamRecord[]): RecordTable {
  const table = new RecordTable();
  for (const record of records) table.add(record);
  table.settle();
  return table;
}

const shown = (table: RecordTable): string[] =>
  Array.from({ length: table.length }, (_, index) => {
    const { key, value } = table.at(index)!.record;
    return `${key}=${value}`;
  });

describe('RecordTable', () => {
  test('has the latest of each key, in order of the keys', () => {
    const keys = ['10', 'b', '9', 'b-10', 'b-9', 'a'];
    const table = tableOf(...keys.map((key) => message(key)), message('b', 'w'));
    expect(shown(table)).toEqual(['9=v', '10=v', 'a=v', 'b=w', 'b-9=v', 'b-10=v']);
  });

  test('tells keys apart within their partition', () => {
    const table = tableOf(message('a', 'one', 1), message('a', 'zero', 0));
    expect(shown(table)).toEqual(['a=zero', 'a=one']);
  });

  test('tells keys apart within their topic, of which one starts over by itself', () => {
    const of = (topic: string, value: string): StreamRecord =>
      newRecord({ topic, key: 'a', value });
    const table = tableOf(of('orders', 'o'), of('prices', 'p'), of('orders', 'o2'));
    expect(shown(table)).toEqual(['a=o2', 'a=p']);
    table.startOver('orders');
    table.settle();
    expect(shown(table)).toEqual(['a=p']);
    const alone = tableOf(message('a'));
    alone.startOver('prices');
    alone.settle();
    expect(alone.length).toBe(0);
  });

  test('changes a row in place', () => {
    const table = tableOf(message('a'), message('b'));
    const row = table.at(0);
    table.add(message('a', 'w'));
    table.settle();
    expect(table.at(0)).toBe(row);
    expect(shown(table)).toEqual(['a=w', 'b=v']);
  });

  test('takes a deleted key out, and in again', () => {
    const table = tableOf(message('a'), message('b'), deletion('a'), deletion('unknown'));
    expect(shown(table)).toEqual(['b=v']);
    table.add(message('a', 'again'));
    table.settle();
    expect(shown(table)).toEqual(['a=again', 'b=v']);
  });

  test('has no row for a gap and for a record without a key', () => {
    const table = tableOf(message(null), newRecord({ kind: 'gap' }), newRecord({ key: undefined }));
    expect([table.length, table.keys, table.keyless]).toEqual([0, 0, 2]);
  });

  test('tells what becomes of a key that is watched, which a copy does not hear of', () => {
    const table = tableOf(message('a'), message('b'));
    table.watch(table.at(0)!);
    const copy = table.copy();
    table.add(message('b', 'other'));
    expect(table.watched).toMatchObject({ record: { value: 'v' }, end: null });
    table.add(message('a', 'w'));
    expect(table.watched).toMatchObject({ record: { value: 'w' }, end: null });
    table.add(deletion('a'));
    expect(table.watched).toMatchObject({ record: null, end: { kind: 'delete' } });
    expect(copy.watched).toMatchObject({ record: { value: 'v' }, end: null });
    table.add(message('a', 'again'));
    expect(table.watched).toMatchObject({ record: { value: 'again' }, end: null });
    table.startOver(null);
    expect(table.watched).toEqual({ record: null, end: null });
  });

  test('keeps the 20,000 keys that changed last', () => {
    const table = new RecordTable();
    for (let key = 0; key < 20_000; key++) table.add(message(`${key}`));
    table.add(message('0', 'changed'));
    table.add(message('new'));
    table.settle();
    expect([table.keys, table.length, table.evicted.keys]).toEqual([20_000, 20_000, 1]);
    expect(shown(table).slice(0, 2)).toEqual(['0=changed', '2=v']);
    // One that comes again counts once, one that is deleted no more.
    table.add(message('1', 'back'));
    expect(table.evicted).toEqual({ keys: 1, hasMore: false });
    table.add(deletion('2'));
    expect(table.evicted.keys).toBe(0);
  });

  test('copy() stays as it is', () => {
    const table = tableOf(message('a'), message('b'));
    const copy = table.copy();
    table.add(message('a', 'w'));
    table.add(deletion('b'));
    table.settle();
    expect(shown(copy)).toEqual(['a=v', 'b=v']);
    expect(shown(table)).toEqual(['a=w']);
  });

  test('shows what a Map of the latest shows, whatever comes and however it is filtered', () => {
    const key = fc.constantFrom('a', 'b', 'c', '1', '2');
    const step = fc.oneof(
      fc.tuple(fc.constant('set'), key, fc.constantFrom('x', 'y')),
      fc.tuple(fc.constant('delete'), key, fc.constant('')),
      fc.tuple(fc.constant('filter'), fc.constantFrom('', 'x', 'y'), fc.constant('')),
      fc.tuple(fc.constant('settle'), fc.constant(''), fc.constant('')),
      fc.tuple(fc.constant('clear'), fc.constant(''), fc.constant('')),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new RecordTable();
        const map = new Map<string, string>();
        let filter = '';
        for (const [name, text, value] of steps) {
          if (name === 'set') {
            table.add(message(text, value));
            map.set(text, value);
          } else if (name === 'delete') {
            table.add(deletion(text));
            map.delete(text);
          } else if (name === 'filter') {
            table.setFilter(text);
            filter = text;
          } else if (name === 'settle') {
            table.settle();
          } else {
            table.clear();
            map.clear();
          }
        }
        table.settle();
        const expected = [...map].filter(([, value]) => value.includes(filter)).sort();
        expect(shown(table)).toEqual(expected.map(([text, value]) => `${text}=${value}`));
        const places = Array.from({ length: table.length }, (_, index) => index);
        expect(places.map((index) => table.indexOf(table.at(index)!))).toEqual(places);
      }),
    );
  });
});
