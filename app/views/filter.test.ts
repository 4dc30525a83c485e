import { describe, expect, test } from '@jest/globals';
import type { KafkaRecord } from '../ports/source.ts';
import { type Condition, constantOf, Filter, type FilterResult, type Outcome } from './filter.ts';
import { byteText, type Field, RecordFacts } from './record_facts.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function record(key: string | null, headers: KafkaRecord['headers'] = []): KafkaRecord {
  const about = { partition: 0, offset: 0, timestamp: 0, value: null, headers };
  return { ...about, key: key === null ? null : bytes(key) };
}

const oneOf = (field: Field, ...values: string[]) => ({ field, values: values.map(constantOf) });
const outcome = (filter: Filter, one: KafkaRecord): Outcome =>
  filter.outcome(new RecordFacts(one, null));

/** A condition that comes to this. */
const always = (result: FilterResult, looksAt = 'offset'): Condition => ({
  name: result,
  looksAt: new Set([looksAt]),
  outcome: () => result,
});

describe('Filter', () => {
  test('Filter.outcome() lets through what has any of the keys', () => {
    const filter = new Filter([oneOf('key', 'b', 'ä', '')], []);
    const keys = ['a', 'b', 'ä', '', null, 'bb'];
    expect(keys.map((key) => outcome(filter, record(key)))).toEqual([
      'skip',
      'match',
      'match',
      'match',
      'skip',
      'skip',
    ]);
  });

  test('Filter.outcome() compares bytes, whether they are UTF-8 or not', () => {
    const key = Uint8Array.of(0xff, 0x00);
    const filter = new Filter([{ field: 'key', values: [byteText(key)] }], []);
    expect(outcome(filter, { ...record(null), key })).toBe('match');
    expect(outcome(filter, record('\ufffd\u0000'))).toBe('skip');
  });

  test('Filter.outcome() takes the last header of a name; none is an error, no value is empty', () => {
    const filter = new Filter([oneOf('header:a', 'x', '')], []);
    const of = (...headers: KafkaRecord['headers']): Outcome =>
      outcome(filter, record('k', headers));
    expect(of(['a', bytes('x')])).toBe('match');
    expect(of(['a', bytes('x')], ['a', bytes('y')])).toBe('skip');
    expect(of(['a', bytes('y')], ['a', null])).toBe('match');
    expect(of(['b', bytes('x')])).toBe('error');
  });

  test.each([
    [['match', 'match'], 'match'],
    [['match', 'error'], 'error'],
    [['error', 'skip'], 'skip'],
  ] as const)('Filter.outcome() with conditions of %j is %s', (results, expected) => {
    const conditions = results.map((result) => always(result));
    expect(outcome(new Filter([], conditions), record(null))).toBe(expected);
  });

  test('Filter.name is the same for the same, whatever the order in which it is said', () => {
    const a = new Filter([oneOf('header:x', '1'), oneOf('key', 'b', 'a', 'b')], []);
    const b = new Filter([oneOf('key', 'a', 'b'), oneOf('header:x', '1')], []);
    expect(a.name).toBe(b.name);
    expect(new Filter([oneOf('key', 'a')], []).name).not.toBe(a.name);
    expect(new Filter([oneOf('key', 'a')], [always('match')]).name).not.toBe(
      new Filter([oneOf('key', 'a')], []).name,
    );
    // What is a name in the one must not be a value in the other.
    expect(new Filter([oneOf('header:a', 'b')], []).name).not.toBe(
      new Filter([oneOf('header:b', 'a')], []).name,
    );
  });

  test('Filter.shape is the same for those that differ in constants alone', () => {
    const shapeOf = (...values: string[]): string =>
      new Filter([oneOf('key', ...values)], []).shape;
    expect(shapeOf('a')).toBe(shapeOf('b', 'c'));
    expect(new Filter([oneOf('header:key', 'a')], []).shape).not.toBe(shapeOf('a'));
  });

  test('Filter takes two equalities of one field for what is in both', () => {
    const filter = new Filter([oneOf('key', 'a', 'b'), oneOf('key', 'b', 'c')], []);
    expect(['a', 'b', 'c'].map((key) => outcome(filter, record(key)))).toEqual([
      'skip',
      'match',
      'skip',
    ]);
    expect(filter.places).toEqual(['b']);
    expect(new Filter([oneOf('key', 'a'), oneOf('key', 'b')], []).places).toEqual([]);
  });

  test('Filter.places are each pair once, and never more than a thousand', () => {
    const numbers = Array.from({ length: 40 }, (_, n) => `${n}`);
    const some = [oneOf('header:a', '1', '12'), oneOf('header:b', '2', '11')];
    expect(new Set(new Filter(some, []).places).size).toBe(4);
    const many = new Filter([oneOf('header:a', ...numbers), oneOf('header:b', ...numbers)], []);
    expect(many.places).toHaveLength(40);
    const both = record('k', [
      ['a', bytes('7')],
      ['b', bytes('39')],
    ]);
    expect(outcome(many, both)).toBe('match');
    expect(outcome(many, record('k', [['a', bytes('7')]]))).toBe('error');
  });

  test('Filter.isOfKey holds where all records of a key come to the same', () => {
    expect(new Filter([oneOf('key', 'a')], [always('match', 'partition')]).isOfKey).toBe(true);
    expect(new Filter([oneOf('key', 'a')], [always('match', 'offset')]).isOfKey).toBe(false);
    expect(new Filter([oneOf('header:key', 'a')], []).isOfKey).toBe(false);
  });
});
