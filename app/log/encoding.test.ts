import { describe, expect, test } from '@jest/globals';
import { PLAIN } from '../views/view.ts';
import { Segment } from './segment.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A segment of one partition with these values, in order. */
function segmentOf(values: readonly string[]): Segment {
  const segment = new Segment({
    topic: 'events',
    topicId: new Uint8Array(4),
    start: Float64Array.of(0),
    clock: null,
    firstSeq: 0,
    capacity: 16,
  });
  for (const value of values) append(segment, value);
  return segment;
}

function append(segment: Segment, value: string): void {
  const offset = segment.count;
  const record = { partition: 0, offset, timestamp: -1, key: null, headers: [] };
  segment.append(offset, { ...record, value: encoder.encode(value) });
}

/** The values of the blocks from a row on. */
function valuesFrom(segment: Segment, from: number): string[] | null {
  const slice = segment.encode(PLAIN).slice(from);
  if (slice === null) return null;
  return [...decoder.decode(slice.bytes).matchAll(/data:(.*)\nid:.+\n\n/g)].map(([, it]) => it!);
}

const letters = [...'abcdef'];

describe('Encoding.slice()', () => {
  test('gives all who come to a row one after another the very same array', () => {
    const segment = segmentOf(letters);
    const slice = segment.encode(PLAIN).slice(2)!;
    expect(segment.encode(PLAIN).slice(2)!.bytes).toBe(slice.bytes);
    expect(slice.nextSeq).toBe(6);
    append(segment, 'g');
    expect(valuesFrom(segment, 2)).toEqual([...'cdefg']);
  });

  test('gives those who come to several rows in turn the same arrays, also from rows that have no block', () => {
    const kb20 = 'x'.repeat(20 * 1024);
    const segment = segmentOf([kb20, 'a', kb20, kb20, kb20, 'b']);
    segment.kill(1);
    const encoding = segment.encode(PLAIN);
    const slices = [0, 2, 4].map((row) => encoding.slice(row)!.bytes);
    expect([0, 2, 4].map((row) => encoding.slice(row)!.bytes)).toEqual(slices);
    expect(encoding.slice(0)!.bytes).toBe(slices[0]);
    expect(encoding.slice(1)!.bytes).toBe(slices[1]);
    segment.kill(0);
    expect(encoding.slice(0)!.bytes).toBe(encoding.slice(2)!.bytes);
  });

  test('ends at a block, at 64 kB or after one block that is larger', () => {
    const [kb20, kb80] = ['x'.repeat(20 * 1024), 'y'.repeat(80 * 1024)];
    const segment = segmentOf([kb20, kb20, kb20, kb20, kb80, kb20]);
    expect(valuesFrom(segment, 0)).toEqual([kb20, kb20, kb20]);
    expect(valuesFrom(segment, 3)).toEqual([kb20]);
    expect(valuesFrom(segment, 4)).toEqual([kb80]);
    expect(valuesFrom(segment, 5)).toEqual([kb20]);
  });

  test('leaves out what has died, however it came about', () => {
    const segment = segmentOf(letters);
    expect(valuesFrom(segment, 0)).toEqual(letters);
    segment.kill(1);
    segment.kill(5);
    expect(valuesFrom(segment, 0)).toEqual([...'acde']);
    expect(valuesFrom(segment, 1)).toEqual([...'cde']);
    append(segment, 'g');
    segment.kill(3);
    expect(valuesFrom(segment, 2)).toEqual([...'ceg']);
    expect(valuesFrom(segment, 5)).toEqual(['g']);
    segment.kill(6);
    expect(valuesFrom(segment, 5)).toBeNull();
    expect(valuesFrom(segment, 7)).toBeNull();
  });

  test('changes no array that it has given', () => {
    const segment = segmentOf(letters);
    const { bytes } = segment.encode(PLAIN).slice(0)!;
    const before = decoder.decode(bytes);
    segment.kill(0);
    expect(valuesFrom(segment, 0)).toEqual([...'bcdef']);
    append(segment, 'g');
    expect(valuesFrom(segment, 5)).toEqual([...'fg']);
    expect(decoder.decode(bytes)).toBe(before);
  });
});
