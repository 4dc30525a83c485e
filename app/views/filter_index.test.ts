import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTemplate } from '../expressions/expression.ts';
import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import { constantOf, Filter, type Outcome } from './filter.ts';
import { FilterIndex, type FilterTally } from './filter_index.ts';
import { filterParts, RECORD_NAMES } from './filter_parts.ts';
import { type Field, RecordFacts, valueField, valueText } from './record_facts.ts';

const TEXTS = ['', 'a', 'b', '1:a', 'aa'];
const text = fc.constantFrom(...TEXTS);
const OF_VALUE = valueField(['a', 'b'])!;
const field = fc.constantFrom<Field>('key', 'header:x', 'header:y', OF_VALUE);
const json = fc.constantFrom<unknown>('', 'a', '1:a', 1, true, null, [], { b: 'a' });
const filter = fc
  .array(fc.tuple(field, fc.array(text, { minLength: 1, maxLength: 3 })), { maxLength: 3 })
  .map((parts) => {
    const equalities = parts.map(([one, values]) => ({
      field: one,
      values: values.map((each) => (one === OF_VALUE ? valueText(each)! : constantOf(each))),
    }));
    return new Filter(equalities, []);
  });
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const record = fc
  .record({
    key: fc.option(text),
    value: fc.option(fc.record({ a: fc.oneof(json, fc.record({ b: json })) })),
    headers: fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.option(text)), { maxLength: 3 }),
  })
  .map(({ key, value, headers }): KafkaRecord => {
    const about = { partition: 0, offset: 0, timestamp: 0 };
    return {
      ...about,
      value: value === null ? null : bytes(JSON.stringify(value)),
      key: key === null ? null : bytes(key),
      headers: headers.map(([name, value]) => [name, value === null ? null : bytes(value)]),
    };
  });

interface Target {
  readonly n: number;
  readonly filter: Filter;
}

const counts = (): FilterTally => ({ match: 0, skip: 0, error: 0 });

/** Who is told what of a record. */
function found(index: FilterIndex<Target>, facts: RecordFacts): Record<string, number[]> {
  const told: Record<string, number[]> = { match: [], unread: [], later: [] };
  index.find(facts, {
    match: ({ n }) => told['match']!.push(n),
    unread: ({ n }) => told['unread']!.push(n),
    later: ({ n }) => told['later']!.push(n),
  });
  for (const some of Object.values(told)) some.sort((a, b) => a - b);
  return told;
}

/** A reader that has no schema. */
const LACKING: ValueReader = {
  isBinary: true,
  read: () => ({ json: null, schema: null, error: 'none', lacks: 'answer' }),
};

describe('FilterIndex', () => {
  test.each([
    ['as they are', null],
    ['that cannot be read now', LACKING],
  ])('FilterIndex.find() finds what each filter by itself comes to, of values %s', (_, reader) => {
    fc.assert(
      fc.property(fc.array(filter), fc.array(record), fc.nat(), (filters, records, leaving) => {
        const index = new FilterIndex<Target>(counts());
        const targets = filters.map((one, n) => ({ n, filter: one }));
        for (const target of targets) index.add(target.filter, target);
        const there = new Set(filters.keys());
        const leaves = filters.length === 0 ? -1 : leaving % filters.length;
        for (const [n, one] of records.entries()) {
          if (n === 1 && there.delete(leaves)) index.delete(filters[leaves]!, targets[leaves]!);
          const expected = (outcome: Outcome): number[] =>
            [...there].filter(
              (each) => filters[each]!.outcome(new RecordFacts(one, reader)) === outcome,
            );
          expect(found(index, new RecordFacts(one, reader))).toEqual({
            match: expected('match'),
            unread: expected('unread'),
            later: [],
          });
        }
      }),
    );
  });

  test.each<[Field, string]>([
    ['key', '77'],
    [OF_VALUE, '"77'],
  ])('FilterIndex.find() looks up once for ten thousand filters of one shape: %s', (one, value) => {
    const tally = counts();
    const index = new FilterIndex<Target>(tally);
    for (let n = 0; n < 10_000; n++) {
      const values = [value.replace('77', `${n}`)];
      const mine = new Filter([{ field: one, values }], []);
      index.add(mine, { n, filter: mine });
    }
    let looks = 0;
    const look = (text: string) => () => {
      looks++;
      return bytes(text);
    };
    const about = Object.defineProperty({ headers: [], value: bytes('1') }, 'key', {
      get: look('77'),
    });
    const json = look('{"a":{"b":"77"}}');
    const read = () => ({ json: json(), schema: null, error: null });
    const facts = new RecordFacts(about as unknown as KafkaRecord, { isBinary: true, read });
    expect(found(index, facts)).toEqual({ match: [77], unread: [], later: [] });
    expect([looks, tally]).toEqual([1, { match: 1, skip: 0, error: 0 }]);
  });

  test('FilterIndex.find() counts a field that is not there once for all of a shape', () => {
    const tally = counts();
    const index = new FilterIndex<Target>(tally);
    for (const n of [1, 2]) {
      const mine = new Filter([{ field: OF_VALUE, values: [`#${n}`] }], []);
      index.add(mine, { n, filter: mine });
    }
    const of = (value: string): void => {
      const about = { partition: 0, offset: 0, timestamp: 0, key: null, headers: [] };
      found(index, new RecordFacts({ ...about, value: bytes(value) }, null));
    };
    for (const value of ['{"a":{"b":1}}', '{"a":{"b":3}}', '{"a":{}}', '{"a":{"b":"1"}}'])
      of(value);
    expect(tally).toEqual({ match: 1, skip: 0, error: 2 });
  });

  test('FilterIndex.find() leaves those to later for whom too much would be looked at', () => {
    const tally = counts();
    const index = new FilterIndex<Target>(tally);
    const shapes = Array.from({ length: 20 }, (_, n) => `size(value) != ${n}`);
    for (const [n, text] of [...shapes, 'value == "x"'].entries()) {
      const parts = filterParts(parseTemplate(text, RECORD_NAMES, new Set()).given({}));
      const mine = new Filter(parts.equalities, parts.conditions);
      index.add(mine, { n, filter: mine });
    }
    const about = { partition: 0, offset: 0, timestamp: 0, key: null, headers: [] };
    const value = bytes(JSON.stringify('x'.repeat(500_000)));
    const told = found(index, new RecordFacts({ ...about, value }, null));
    expect(told).toMatchObject({ match: [0, 1, 2, 3], unread: [] });
    expect(told['later']).toEqual(shapes.map((_, n) => n).slice(4));
    expect(tally).toEqual({ match: 4, skip: 0, error: 0 });
  });

  test('FilterIndex lets go of all that left', () => {
    const index = new FilterIndex<Target>(counts());
    const one = new Filter([{ field: 'key', values: ['a', 'b'] }], []);
    const targets = [1, 2].map((n) => ({ n, filter: one }));
    for (const target of targets) index.add(one, target);
    index.delete(one, targets[0]!);
    expect(index.isEmpty).toBe(false);
    index.delete(one, targets[1]!);
    expect(index.isEmpty).toBe(true);
  });
});
