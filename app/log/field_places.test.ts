import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { constantOf, Filter } from '../views/filter.ts';
import { byteText, type Field, fieldBytes } from '../views/record_facts.ts';
import { Segment } from './segment.ts';

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = fc.constantFrom('', 'a', 'b', 'ä', 'a b', 'costarring', 'liquid');

function segmentOf(rows: readonly (readonly [key: string | null, header: string | null])[]) {
  const segment = new Segment({
    topic: 'events',
    topicId: new Uint8Array(4),
    start: Float64Array.of(0),
    clock: null,
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
        value: null,
        headers: header === null ? [] : [['h', bytes(header)]],
      });
    }
  }
  return segment;
}

describe('Segment', () => {
  test('Segment.candidates() leaves out no row that has one of the values, each row once', () => {
    const row = fc.tuple(fc.option(fc.oneof(text, fc.constant('hole'))), fc.option(text));
    const field = fc.constantFrom<Field>('key', 'header:h');
    fc.assert(
      fc.property(fc.array(row), field, fc.array(text, { minLength: 1 }), (rows, one, values) => {
        const segment = segmentOf(rows);
        const filter = new Filter([{ field: one, values: values.map(constantOf) }], []);
        const found = segment.candidates(filter, () => {})!;
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
        const wanted = new Set(values.map(constantOf));
        for (let at = 0; at < segment.count; at++) {
          if (rows[at]![0] === 'hole') continue;
          const there = fieldBytes(segment.record(at), one);
          if (there !== null && wanted.has(byteText(there))) expect(found).toContain(at);
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
    expect(segment.candidates(filter, () => {})).toEqual([0, 1]);
  });

  test('Segment.candidates() looks at rows as they are once some were squeezed out', () => {
    const segment = segmentOf([
      ['a', null],
      ['b', null],
      ['c', null],
    ]);
    const filter = new Filter([{ field: 'key', values: ['c'] }], []);
    const { heldBytes } = segment;
    expect(segment.candidates(filter, () => {})).toEqual([2]);
    expect(segment.heldBytes).toBe(heldBytes + 3 * 8);
    segment.kill(0);
    segment.kill(1);
    segment.squeeze();
    expect(segment.candidates(filter, () => {})).toEqual([0]);
  });

  test('Segment.candidates() keeps places of few fields alone', () => {
    const segment = segmentOf([['a', null]]);
    for (let n = 0; n < 20; n++) {
      segment.candidates(new Filter([{ field: `header:${n}`, values: ['a'] }], []), () => {});
    }
    const { heldBytes } = segment;
    segment.candidates(new Filter([{ field: 'header:20', values: ['a'] }], []), () => {});
    expect(segment.heldBytes).toBe(heldBytes);
    expect(segment.candidates(new Filter([], []), () => {})).toBeNull();
  });
});
