import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KafkaRecord } from '../ports/source.ts';
import { LIVE } from './columns.ts';
import { KeyIndex } from './key_index.ts';
import { Log } from './log.ts';
import type { Segment } from './segment.ts';

const NO_JUMPS = new Map<number, number>();

function emptyLog(keys: KeyIndex | null, maxBytes: number = 2 ** 20): Log {
  const topicId = Uint8Array.of(1, 2, 3, 4);
  return new Log({ topic: 'events', topicId, start: Float64Array.of(0), maxBytes, keys });
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
});
