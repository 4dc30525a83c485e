import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KafkaRecord } from '../ports/source.ts';
import { PLAIN } from '../views/view.ts';
import { GAP, HOLE, LIVE } from './columns.ts';
import { KeyIndex } from './key_index.ts';
import { Log } from './log.ts';
import { SEGMENT_ROWS, Segment } from './segment.ts';

const NO_JUMPS = new Map<number, number>();

function emptyLog(keys: KeyIndex | null, maxBytes: number = 2 ** 20): Log {
  const topicId = Uint8Array.of(1, 2, 3, 4);
  return new Log({
    topic: 'events',
    topicId,
    start: Float64Array.of(0),
    maxBytes,
    keys,
    clock: null,
  });
}

function record(offset: number, key: string, valueBytes: number): KafkaRecord {
  const value = new Uint8Array(valueBytes);
  return {
    partition: 0,
    offset,
    timestamp: -1,
    key: new TextEncoder().encode(key),
    value,
    headers: [],
  };
}

function append(log: Log, records: readonly KafkaRecord[]): void {
  const next = records.at(-1)!.offset + 1;
  log.append({ records, positions: new Map([[0, next]]) }, NO_JUMPS);
}

/** Live records of a log, counted one by one. */
function countLive(log: Log): number {
  let live = 0;
  let segment: Segment | null = log.locate(log.nextSeq - 1);
  const seen = new Set<Segment>();
  for (let seq = log.nextSeq - 1; seq >= 0 && segment !== null; seq--) {
    segment = log.locate(seq);
    if (segment === null || seen.has(segment)) continue;
    seen.add(segment);
    for (let at = 0; at < segment.count; at++) if (segment.states[at] === LIVE) live++;
  }
  return live;
}

describe('Log', () => {
  test('Log.records looks at no row', () => {
    const log = emptyLog(null);
    append(log, [record(0, 'a', 5), record(1, 'b', 5)]);
    Object.defineProperty(log.tail, 'states', {
      get: () => {
        throw new Error('a row was looked at');
      },
    });
    expect(log.records).toBe(2);
  });

  test('Log.records is the number of live records, while they come, die, are squeezed and leave', () => {
    const anyRecord = fc.tuple(fc.nat(12), fc.nat(300));
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 200, size: 'max' }), (some) => {
        for (const keys of [null, new KeyIndex()]) {
          const log = emptyLog(keys, 8192);
          for (const [offset, [key, bytes]] of some.entries()) {
            append(log, [record(offset, `${key}`, bytes)]);
            expect(log.records).toBe(countLive(log));
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('Log.append() notes what was lost before a record that jumps over the log start', () => {
    const log = emptyLog(null);
    append(log, [record(0, 'a', 5)]);
    log.append({ records: [record(9, 'b', 5)], positions: new Map([[0, 12]]) }, new Map([[0, 7]]));
    const { states, offsets, count } = log.tail;
    const rows = Array.from({ length: count }, (_, at) => [states[at], offsets[at]]);
    expect(rows).toEqual([
      [LIVE, 0],
      [GAP, 6],
      [LIVE, 9],
      [HOLE, 11],
    ]);
    expect([log.lastGapSeq, ...log.positions]).toEqual([1, 12]);
  });

  test('Log lets the oldest segments go when memory is full, and covers what it has', () => {
    const log = emptyLog(null, 8192);
    for (let offset = 0; offset < 100; offset++) append(log, [record(offset, 'k', 200)]);
    const start = log.start[0]!;
    expect(start).toBeGreaterThan(50);
    expect(log.records).toBe(100 - start);
    expect(log.bytes).toBeLessThanOrEqual(8192);
    expect([log.covers(Float64Array.of(start)), log.covers(Float64Array.of(start - 1))]).toEqual([
      true,
      false,
    ]);
    expect([log.locate(start), log.locate(start - 1)]).toEqual([expect.any(Segment), null]);
    expect(log.seqOf(Float64Array.of(start))).toBe(start);
  });

  test('Log.append() lets moves leave memory, too, where nothing else comes', () => {
    const log = emptyLog(null);
    for (let next = 1; next <= 30_000; next++) {
      log.append({ records: [], positions: new Map([[0, next]]) }, NO_JUMPS);
    }
    expect(log.bytes).toBeLessThanOrEqual(2 ** 20);
    expect(log.locate(0)).toBeNull();
    expect(log.locate(29_999)!.count).toBeLessThanOrEqual(SEGMENT_ROWS);
    expect(log.covers(Float64Array.of(29_000))).toBe(true);
  });

  test('Log.seqOf() is at or before the first record that a cursor lacks', () => {
    const log = emptyLog(null, 2 ** 16);
    for (let offset = 0; offset < 60; offset++) append(log, [record(offset, 'k', 200)]);
    for (let offset = log.start[0]!; offset <= 60; offset++) {
      expect(log.seqOf(Float64Array.of(offset))).toBeLessThanOrEqual(offset);
    }
    expect(log.seqOf(Float64Array.of(60))).toBeGreaterThan(0);
  });

  test('Log.addPartitions() names the new partitions in every id from then on', () => {
    const log = emptyLog(null);
    append(log, [record(0, 'a', 5)]);
    log.addPartitions(Float64Array.of(0, 0));
    expect([[...log.positions], [...log.start]]).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect([log.tail.start.length, log.locate(0)!.start.length]).toEqual([2, 1]);
  });

  test('Log.encode() keeps encoded blocks within their share of the memory', () => {
    const log = emptyLog(null, 2 ** 16);
    for (let offset = 0; offset < 60; offset++) append(log, [record(offset, 'k', 200)]);
    const held = log.bytes;
    const segments = new Set<Segment>();
    for (let seq = log.nextSeq - log.records; seq < log.nextSeq; seq++) {
      segments.add(log.locate(seq)!);
    }
    for (const segment of segments) log.encode(segment, PLAIN);
    expect(log.bytes - held).toBeLessThanOrEqual(2 ** 14 + 2 ** 13);
    const encoded = [...segments].filter(({ encodings }) => encodings.size > 0);
    expect(encoded.length).toBeLessThan(segments.size);
    expect(log.encode(log.tail, PLAIN)).toBe(log.encode(log.tail, PLAIN));
  });

  test('Log.isLatest() asks the index, and takes no delete for superseded that it has forgotten', () => {
    const log = emptyLog(new KeyIndex());
    append(log, [record(0, 'a', 5), record(1, 'a', 5)]);
    const readBack = new Segment({
      topic: 'events',
      topicId: log.topicId,
      start: null,
      clock: null,
      firstSeq: 0,
      capacity: 16,
    });
    const rows = [
      record(0, 'a', 5),
      record(1, 'a', 5),
      { ...record(0, 'gone', 0), value: null },
      record(0, 'never seen', 5),
      record(2, 'a', 5),
      { ...record(0, '', 5), key: null },
    ];
    rows.forEach((row, seq) => {
      readBack.append(seq, row);
    });
    expect(rows.map((_, at) => log.isLatest(readBack, at))).toEqual([
      false,
      true,
      true,
      false,
      true,
      true,
    ]);
  });

  test('Log.end() stays what it was', () => {
    const log = emptyLog(null);
    append(log, [record(0, 'a', 5)]);
    const end = log.end();
    append(log, [record(1, 'b', 5)]);
    expect([end.seq, ...end.positions]).toEqual([1, 1]);
  });
});
