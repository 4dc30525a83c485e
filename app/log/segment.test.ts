import { describe, expect, test } from '@jest/globals';
import { DEAD, GAP, LIVE } from './columns.ts';
import { Segment } from './segment.ts';

const encoder = new TextEncoder();

function emptySegment(firstSeq = 0, start = [0, 0]): Segment {
  return new Segment({
    topic: 'events',
    topicId: new Uint8Array(4),
    start: Float64Array.from(start),
    clock: null,
    firstSeq,
    capacity: 16,
  });
}

/** Adds a record with the next sequence number. */
function append(segment: Segment, partition: number, offset: number, value = 'value'): void {
  segment.append(segment.nextSeq, {
    partition,
    offset,
    timestamp: offset,
    key: encoder.encode(`key ${offset}`),
    value: encoder.encode(value),
    headers: [['name', encoder.encode('of a header')]],
  });
}

/** Partition and offset of each row. */
function rows({ count, partitions, offsets }: Segment): [number, number][] {
  return Array.from({ length: count }, (_, at) => [partitions[at]!, offsets[at]!]);
}

describe('Segment', () => {
  test.each([
    ['as it was', { key: encoder.encode('k'), value: encoder.encode('v') }],
    ['with empty parts', { key: new Uint8Array(0), value: new Uint8Array(0) }],
    ['without key and value', { key: null, value: null }],
  ])('Segment.record() gives a record back %s', (_, { key, value }) => {
    const segment = emptySegment();
    append(segment, 0, 4);
    const headers = [['a', null] as const, ['a', encoder.encode('b')] as const];
    const record = { partition: 1, offset: 7, timestamp: 5, key, value, headers };
    segment.append(1, record);
    expect(segment.record(1)).toEqual(record);
  });

  test('Segment.cursorAt() is the cursor before a sequence number, holes and gaps passed', () => {
    const segment = emptySegment(10, [3, 0]);
    append(segment, 0, 3);
    segment.appendMove(11, 1, 6, true);
    segment.appendMove(12, 0, 9, false);
    expect([10, 11, 12, 13].map((seq) => [...segment.cursorAt(seq)])).toEqual([
      [3, 0],
      [4, 0],
      [4, 6],
      [9, 6],
    ]);
  });

  test('Segment.squeeze() drops the dead and holes, and no cursor falls behind', () => {
    const segment = emptySegment();
    for (const offset of [0, 1, 2])
      for (const partition of [0, 1]) append(segment, partition, offset);
    segment.appendMove(6, 1, 9, false);
    segment.kill(2);
    segment.kill(3);
    const before = [...segment.cursorAt(5)];
    segment.squeeze();
    expect(rows(segment)).toEqual([
      [0, 0],
      [1, 0],
      [0, 2],
      [1, 2],
    ]);
    expect([...segment.cursorAt(1)]).toEqual([2, 0]);
    expect([...segment.cursorAt(5)]).toEqual(before);
    expect([...segment.cursorAt(7)]).toEqual([3, 9]);
    expect([segment.count, segment.liveCount, segment.deadBytes]).toEqual([4, 4, 0]);
  });

  test('Segment.squeeze() passes what was before its first row', () => {
    const segment = emptySegment(0, [0]);
    append(segment, 0, 0);
    append(segment, 0, 1);
    segment.kill(0);
    segment.squeeze();
    expect([[...segment.origin], [...segment.start]]).toEqual([[0], [1]]);
    expect(segment.placeOf(0)).toBe(0);
  });

  test('Segment.absorb() takes over what is left of the next one', () => {
    const segment = emptySegment();
    append(segment, 0, 0);
    const next = emptySegment(1, [1, 0]);
    append(next, 0, 1);
    append(next, 1, 0, 'kept');
    next.appendMove(3, 0, 7, true);
    next.kill(0);
    next.squeeze();
    segment.absorb(next);
    expect(rows(segment)).toEqual([
      [0, 0],
      [1, 0],
      [0, 6],
    ]);
    expect([...segment.states.subarray(0, 3)]).toEqual([LIVE, LIVE, GAP]);
    expect(Buffer.from(segment.record(1).value!).toString()).toBe('kept');
    expect([...segment.cursorAt(1)]).toEqual([2, 0]);
    expect([...segment.cursorAt(4)]).toEqual([7, 1]);
  });

  test('Segment.placeOf() finds the first row at or past a sequence number', () => {
    const segment = emptySegment(5, [0]);
    for (const offset of [0, 1, 2, 3]) append(segment, 0, offset);
    segment.kill(1);
    segment.kill(2);
    expect(segment.states[1]).toBe(DEAD);
    segment.squeeze();
    expect([4, 5, 6, 7, 8, 9].map((seq) => segment.placeOf(seq))).toEqual([0, 0, 1, 1, 1, 2]);
  });

  test('Segment.leave() lets the bytes go and keeps the cursors', () => {
    const segment = emptySegment(0, [0]);
    append(segment, 0, 0, 'x'.repeat(1000));
    segment.leave();
    expect(segment.gone).toBe(true);
    expect(segment.heldBytes).toBeLessThan(1000);
    expect([...segment.cursorAt(1)]).toEqual([1]);
  });
});
