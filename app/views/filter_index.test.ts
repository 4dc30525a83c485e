import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KafkaRecord } from '../ports/source.ts';
import { constantOf, Filter } from './filter.ts';
import { FilterIndex } from './filter_index.ts';
import { type Field, RecordFacts } from './record_facts.ts';

const TEXTS = ['', 'a', 'b', '1:a', 'aa'];
const text = fc.constantFrom(...TEXTS);
const field = fc.constantFrom<Field>('key', 'header:x', 'header:y');
const filter = fc
  .array(fc.tuple(field, fc.array(text, { minLength: 1, maxLength: 3 })), { maxLength: 3 })
  .map((parts) => {
    const equalities = parts.map(([one, values]) => ({
      field: one,
      values: values.map(constantOf),
    }));
    return new Filter(equalities, []);
  });
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const record = fc
  .record({
    key: fc.option(text),
    headers: fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.option(text)), { maxLength: 3 }),
  })
  .map(({ key, headers }): KafkaRecord => {
    const about = { partition: 0, offset: 0, timestamp: 0, value: null };
    return {
      ...about,
      key: key === null ? null : bytes(key),
      headers: headers.map(([name, value]) => [name, value === null ? null : bytes(value)]),
    };
  });

describe('FilterIndex', () => {
  test('FilterIndex.find() finds those alone that each filter by itself lets through', () => {
    fc.assert(
      fc.property(fc.array(filter), fc.array(record), fc.nat(), (filters, records, leaving) => {
        const index = new FilterIndex<number>({ match: 0, skip: 0, error: 0 });
        filters.forEach((one, n) => {
          index.add(one, n);
        });
        const there = new Set(filters.keys());
        const leaves = filters.length === 0 ? -1 : leaving % filters.length;
        for (const [n, one] of records.entries()) {
          if (n === 1 && there.delete(leaves)) index.delete(filters[leaves]!, leaves);
          const found: number[] = [];
          index.find(new RecordFacts(one), (target) => found.push(target));
          const expected = [...there].filter(
            (each) => filters[each]!.outcome(new RecordFacts(one)) === 'match',
          );
          expect(found.sort()).toEqual(expected.sort());
        }
      }),
    );
  });

  test('FilterIndex.find() looks up once for ten thousand filters of one shape', () => {
    const tally = { match: 0, skip: 0, error: 0 };
    const index = new FilterIndex<number>(tally);
    for (let n = 0; n < 10_000; n++) {
      index.add(new Filter([{ field: 'key', values: [`${n}`] }], []), n);
    }
    let looks = 0;
    const facts = new RecordFacts({
      get key() {
        looks++;
        return bytes('77');
      },
    } as KafkaRecord);
    const found: number[] = [];
    index.find(facts, (target) => found.push(target));
    expect([found, looks, tally]).toEqual([[77], 1, { match: 1, skip: 0, error: 0 }]);
  });

  test('FilterIndex lets go of all that left', () => {
    const index = new FilterIndex<number>({ match: 0, skip: 0, error: 0 });
    const one = new Filter([{ field: 'key', values: ['a', 'b'] }], []);
    index.add(one, 1);
    index.add(one, 2);
    index.delete(one, 1);
    expect(index.isEmpty).toBe(false);
    index.delete(one, 2);
    expect(index.isEmpty).toBe(true);
  });
});
