import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import {
  type LegacyMessage,
  legacyMessage as message,
} from '../../../test/support/legacy_message.ts';
import { readRuns } from '../fetching/fetched_records.ts';
import { compressionsAlgorithmsByBitmask } from './platformatic_on_node20.ts';

const LOG_APPEND_TIME = 8;

/** Three records, of which the middle one has a null value, in the offsets that stand within a set. */
function three(magic: number, ...offsets: number[]): Buffer {
  const values = [Buffer.from('a'), null, Buffer.from('c'.repeat(100))];
  const set = offsets.map((offset, n) =>
    message(magic, { offset, key: Buffer.of(n), value: values[n]!, timestamp: 10 + n }),
  );
  return Buffer.concat(set);
}

function read(bytes: Buffer, from = 0) {
  const fetched = { partition: 7, errorCode: 0, preferredReplica: -1, aborted: [], bytes };
  const records = [...readRuns(fetched, from, 100)].flatMap((run) => run.records);
  return records.map(({ offset, timestamp, key, value }) => [
    ...[offset, timestamp, key?.[0] ?? null],
    value === null ? null : Buffer.from(value).toString(),
  ]);
}

const C = 'c'.repeat(100);

test('readRuns() gives messages of the formats before Kafka 0.11, with those of today behind them', () => {
  expect(read(three(1, 0, 1, 2))).toEqual([
    [0, 10, 0, 'a'],
    [1, 11, 1, null],
    [2, 12, 2, C],
  ]);
  expect(read(three(0, 4, 6, 7), 5)).toEqual([
    [6, -1, 1, null],
    [7, -1, 2, C],
  ]);
  const empty = message(1, { offset: 0, value: Buffer.alloc(0) });
  expect(read(Buffer.concat([empty, message(0, { offset: 1, value: null })]))).toEqual([
    [0, 5, null, ''],
    [1, -1, null, null],
  ]);
});

test.each([
  ['gzip', 1, (bytes: Buffer) => gzipSync(bytes)],
  ['snappy', 2, (bytes: Buffer) => compressionsAlgorithmsByBitmask[2]!.compressSync(bytes)],
  ['lz4', 3, (bytes: Buffer) => compressionsAlgorithmsByBitmask[3]!.compressSync(bytes)],
])(
  'readRuns() unpacks messages of %s, which count from the first in format 1',
  (_, codec, pack) => {
    const within = (magic: number, set: Buffer, attributes = codec) =>
      message(magic, { offset: 42, value: pack(set), timestamp: 99, attributes });
    const expected = (...times: number[]) => [
      [39, times[0], 0, 'a'],
      [40, times[1], 1, null],
      [42, times[2], 2, C],
    ];
    // The one between the last two was compacted away.
    expect(read(within(1, three(1, 0, 1, 3)))).toEqual(expected(10, 11, 12));
    expect(read(within(1, three(1, 0, 1, 3), codec | LOG_APPEND_TIME))).toEqual(
      expected(99, 99, 99),
    );
    expect(read(within(0, three(0, 39, 40, 42)))).toEqual(expected(-1, -1, -1));
    expect(read(within(1, three(1, 0, 1, 3)), 40)).toEqual(expected(10, 11, 12).slice(1));
  },
);

test('readRuns() unpacks LZ4 as the clients before Kafka 0.10 made it, with a wrong checksum of its head', () => {
  const packed = Buffer.from(compressionsAlgorithmsByBitmask[3]!.compressSync(three(0, 0, 1, 2)));
  const head = packed.readUInt8(6);
  packed.writeUInt8(head ^ 0xff, 6);
  expect(read(message(0, { offset: 2, value: packed, attributes: 3 }))).toHaveLength(3);
  const one = message(1, { offset: 2, value: packed, attributes: 3 });
  expect(() => read(one)).toThrow(/cannot be read from 0/);
});

test('readRuns() leaves a message that is cut, and gives what stands before it', () => {
  const whole = message(0, { offset: 0, value: null });
  const next = message(1, { offset: 1, value: Buffer.from('next') });
  for (let length = 0; length < next.length; length++) {
    expect(read(Buffer.concat([whole, next.subarray(0, length)]))).toHaveLength(1);
  }
});

function spoiled(bytes: Buffer): Buffer {
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}

test.each([
  ['not what was written', spoiled(three(1, 0, 1)), /from 1 on: the checksum of a message/],
  ['of an unknown compression', three1({ attributes: 5, value: Buffer.of(1) }), /compression 5/],
  ['compressed, and of nothing', three1({ attributes: 1, value: null }), /without a value/],
  ['compressed twice', three1({ attributes: 1, value: gzipSync(twice()) }), /another kind/],
  ['of one that is cut', three1({ attributes: 1, value: gzipSync(twice(20)) }), /as long/],
  ['of later ones', three1({ attributes: 1, value: gzipSync(three(1, 7, 3)) }), /of offset 4/],
])('readRuns() says where it cannot go on, at a message %s', (_, bytes, why) => {
  expect(() => read(bytes)).toThrow(/^partition 7 cannot be read from \d on: /);
  expect(() => read(bytes)).toThrow(why);
});

function three1(written: Omit<LegacyMessage, 'offset'>): Buffer {
  return message(1, { offset: 0, ...written });
}

function twice(length?: number): Buffer {
  return message(1, { offset: 0, value: gzipSync(three(1, 0)), attributes: 1 }).subarray(0, length);
}
