import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ReadValue, ValueReader } from '../ports/values.ts';
import { constantOf, Filter } from '../views/filter.ts';
import {
  type Field,
  isOfValue,
  RecordFacts,
  valueField,
  valueText,
} from '../views/record_facts.ts';
import { Facts } from './facts.ts';
import { Segment } from './segment.ts';

const LOOKS = new Facts({ spend: () => {}, onRest: null });
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = fc.constantFrom('', 'a', 'b', 'ä', 'a b', 'costarring', 'liquid');

function segmentOf(
  rows: readonly (readonly [key: string | null, header: string | null])[],
  values?: ValueReader,
) {
  const segment = new Segment({
    topic: 'events',
    topicId: new Uint8Array(4),
    start: Float64Array.of(0),
    clock: null,
    values,
    firstSeq: 0,
    capacity: 64,
  });
  for (const [at, [key, header]] of rows.entries()) {
    if (key === 'hole') segment.appendMove(at, 0, at + 1, false);
    else {
      segment.append(at, {
        partition: 0,
        offset: at,
        timestamp: 0,
        key: key === null ? null : bytes(key),
        value: header === null ? null : bytes(JSON.stringify({ v: header })),
        headers: header === null ? [] : [['h', bytes(header)]],
      });
    }
  }
  return segment;
}

describe('Segment', () => {
  test('Segment.candidates() leaves out no row that has one of the values, each row once', () => {
    const row = fc.tuple(fc.option(fc.oneof(text, fc.constant('hole'))), fc.option(text));
    const field = fc.constantFrom<Field>('key', 'header:h', valueField(['v'])!);
    fc.assert(
      fc.property(fc.array(row), field, fc.array(text, { minLength: 1 }), (rows, one, values) => {
        const segment = segmentOf(rows);
        const constant = isOfValue(one) ? valueText : constantOf;
        const wanted = values.map((value) => constant(value)!);
        const filter = new Filter([{ field: one, values: wanted }], []);
        const found = segment.candidates(filter, LOOKS)!;
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
        for (let at = 0; at < segment.count; at++) {
          if (rows[at]![0] === 'hole') continue;
          const there = new RecordFacts(segment.record(at), null).text(one);
          if (there !== null && wanted.includes(there)) expect(found).toContain(at);
        }
      }),
    );
  });

  test('Segment.candidates() tells keys of the same hash apart by no more than looking at them', () => {
    // The two best known words that FNV-1a of 32 bits does not tell apart.
    const segment = segmentOf([
      ['costarring', null],
      ['liquid', null],
      ['a', null],
    ]);
    const filter = new Filter([{ field: 'key', values: ['liquid'] }], []);
    expect(segment.candidates(filter, LOOKS)).toEqual([0, 1]);
  });

  test('Segment.candidates() looks at rows as they are once some were squeezed out', () => {
    const segment = segmentOf([
      ['a', null],
      ['b', null],
      ['c', null],
    ]);
    const filter = new Filter([{ field: 'key', values: ['c'] }], []);
    const { heldBytes } = segment;
    expect(segment.candidates(filter, LOOKS)).toEqual([2]);
    expect(segment.heldBytes).toBe(heldBytes + 3 * 8);
    segment.kill(0);
    segment.kill(1);
    segment.squeeze();
    expect(segment.candidates(filter, LOOKS)).toEqual([0]);
  });

  test('Segment.candidates() looks at what was added since, and at nothing before that again', () => {
    let looked = 0;
    const facts = new Facts({ spend: (records) => (looked += records), onRest: null });
    const segment = segmentOf([]);
    const add = (count: number): void => {
      for (const end = segment.count + count; segment.count < end; ) {
        const offset = segment.count;
        const key = bytes(`${offset % 10}`);
        const record = { partition: 0, offset, timestamp: 0, key, value: null, headers: [] };
        segment.append(offset, record);
      }
    };
    const filter = new Filter([{ field: 'key', values: ['7'] }], []);
    const found = (): number => segment.candidates(filter, facts)!.length;
    add(100);
    expect([found(), looked]).toEqual([10, 100]);
    add(50);
    expect([found(), looked]).toEqual([10 + 50, 101]);
    add(50);
    expect([found(), looked]).toEqual([20, 201]);
  });

  test('Segment.candidates() has each row of which the value may be read later', () => {
    let isKnown = false;
    const read = (value: Uint8Array): ReadValue =>
      isKnown
        ? { json: value, schema: 1, error: null }
        : { json: null, schema: null, error: 'none', lacks: 'schema' };
    const segment = segmentOf(
      [
        [null, 'a'],
        [null, 'b'],
        ['k', null],
      ],
      { isBinary: true, read },
    );
    const filter = new Filter([{ field: valueField(['v'])!, values: [valueText('a')!] }], []);
    for (const known of [false, true]) {
      isKnown = known;
      expect(segment.candidates(filter, LOOKS)).toEqual([0, 1]);
    }
  });

  test('Segment.candidates() keeps places of few fields alone', () => {
    const segment = segmentOf([['a', null]]);
    for (let n = 0; n < 20; n++) {
      segment.candidates(new Filter([{ field: `header:${n}`, values: ['a'] }], []), LOOKS);
    }
    const { heldBytes } = segment;
    segment.candidates(new Filter([{ field: 'header:20', values: ['a'] }], []), LOOKS);
    expect(segment.heldBytes).toBe(heldBytes);
    expect(segment.candidates(new Filter([], []), LOOKS)).toBeNull();
  });
});
