import { Buffer } from 'node:buffer';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../../test/support/fuzz.ts';
import { readRuns, UnreadableError } from '../fetching/fetched_records.ts';
import { crc32c } from './platformatic_on_node20.ts';

const HEAD_BYTES = 61;

/** A zigzag varint, as Kafka has it. */
function varint(value: number | bigint): number[] {
  let rest = BigInt(value) < 0n ? -BigInt(value) * 2n - 1n : BigInt(value) * 2n;
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function sized(bytes: Uint8Array | null): number[] {
  return bytes === null ? varint(-1) : [...varint(bytes.length), ...bytes];
}

interface Record {
  readonly delta: number;
  readonly timestampDelta: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** A batch of records without headers. */
function batch(firstOffset: number, firstTimestamp: number, records: readonly Record[]): Buffer {
  const bodies = records.map(({ delta, timestampDelta, key, value }) => [
    0,
    ...varint(timestampDelta),
    ...varint(delta),
    ...sized(key),
    ...sized(value),
    ...varint(0),
  ]);
  const content = bodies.flatMap((body) => [...varint(body.length), ...body]);
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), Buffer.from(content)]);
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt32BE(records.at(-1)?.delta ?? 0, 23);
  bytes.writeBigInt64BE(BigInt(firstTimestamp), 27);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt32BE(records.length, 57);
  return signed(bytes);
}

/** With the checksum that its bytes have. */
function signed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

function read(bytes: Buffer, from = 0) {
  return [
    ...readRuns({ partition: 7, errorCode: 0, preferredReplica: -1, aborted: [], bytes }, from, 3),
  ];
}

const ONE: Record = { delta: 0, timestampDelta: 0, key: null, value: Uint8Array.of(1, 2) };

test('readRuns() gives what was written, whatever it is', () => {
  const content = fc.option(fc.uint8Array({ maxLength: 300 }));
  const record = fc.record({
    step: fc.integer({ min: 1, max: 2 ** 20 }),
    timestampDelta: fc.maxSafeInteger().map((delta) => Math.trunc(delta / 4)),
    key: content,
    value: content,
  });
  const time = fc.nat({ max: 2 ** 42 });
  const offset = fc.nat({ max: 2 ** 52 });
  const property = fc.property(offset, time, fc.array(record), (first, timestamp, steps) => {
    let delta = -1;
    const records = steps.map(({ step, ...rest }) => {
      delta += step;
      return { ...rest, delta };
    });
    const runs = read(batch(first, timestamp, records));
    const expected = records.map(({ delta, timestampDelta, key, value }) => ({
      ...{ partition: 7, offset: first + delta, timestamp: timestamp + timestampDelta },
      ...{ key, value, headers: [] },
    }));
    expect(runs.flatMap((run) => run.records)).toEqual(expected);
    expect(runs.at(-1)?.next).toBe((expected.at(-1)?.offset ?? first) + 1);
    for (const { records, next } of runs) {
      expect(records.length).toBeLessThanOrEqual(3);
      expect(next).toBeGreaterThan(records.at(-1)?.offset ?? -1);
    }
  });
  fc.assert(property);
});

test('readRuns() leaves a batch that is cut, and gives what stands before it', () => {
  const whole = batch(0, 0, [ONE]);
  const next = batch(1, 0, [ONE]);
  for (let length = 0; length < next.length; length++) {
    const runs = read(Buffer.concat([whole, next.subarray(0, length)]));
    expect(runs.map((run) => [run.records.length, run.next])).toEqual([[1, 1]]);
  }
});

test('readRuns() goes past a batch of which all records were compacted away', () => {
  const empty = batch(5, 0, []);
  empty.writeInt32BE(4, 23);
  expect(read(signed(empty), 5)).toEqual([{ records: [], next: 10 }]);
});

test.each([
  ['of a format to come', (bytes: Buffer) => bytes.writeInt8(3, 16), /format 3/],
  ['of an unknown compression', (bytes: Buffer) => bytes.writeInt16BE(7, 21), /compression 7/],
  ['of more records than it holds', (bytes: Buffer) => bytes.writeInt32BE(2, 57), /as long/],
  ['of fewer records than none', (bytes: Buffer) => bytes.writeInt32BE(-1, 57), /as long/],
  ['of a record that is longer', (bytes: Buffer) => bytes.writeInt8(40, HEAD_BYTES), /as long/],
  ['of a length that is none', (bytes: Buffer) => bytes.writeInt32BE(-12, 8), /batch of 0 bytes/],
  ['of a record that it cannot have', (bytes: Buffer) => bytes.writeInt8(2, 64), /offset 4/],
  ['of a value before its record', (bytes: Buffer) => bytes.writeInt8(5, 66), /as long/],
  ['of many headers', (bytes: Buffer) => bytes.fill(0xff, bytes.length - 1), /as long/],
])('readRuns() says where it cannot go on, at a batch %s', (_, damage, why) => {
  const bytes = batch(3, 0, [ONE]);
  damage(bytes);
  signed(bytes);
  expect(() => read(bytes, 3)).toThrow(/^partition 7 cannot be read from [34] on: /);
  expect(() => read(bytes, 3)).toThrow(why);
});

/** A batch with other bytes in the place of its records. */
function withContent(codec: number, content: Uint8Array): Buffer {
  const bytes = Buffer.concat([batch(0, 0, [ONE]).subarray(0, HEAD_BYTES), content]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt16BE(codec, 21);
  return signed(bytes);
}

const SNAPPY_OF_4_GB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]);
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
/** Blocks of 4 MB that are but four bytes long. */
const LZ4_OF_200_MB = Buffer.concat([
  Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]),
  ...Array.from({ length: 50 }, () => Buffer.from([4, 0, 0, 0, 1, 2, 3, 4])),
]);

test.each([
  ['gzip', 1, gzipSync(Buffer.alloc(101_000_000))],
  ['snappy', 2, SNAPPY_OF_4_GB],
  ['snappy in blocks', 2, Buffer.concat([XERIAL, Buffer.from([0, 0, 0, 7]), SNAPPY_OF_4_GB])],
  ['lz4', 3, LZ4_OF_200_MB],
])('readRuns() does not unpack more than 100 MB: %s', (_, codec, content) => {
  const before = process.memoryUsage().rss;
  expect(() => read(withContent(codec, content))).toThrow(/larger than|a batch that says it has/);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
});

test('readRuns() comes to an end with whatever bytes, and goes only forward', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
  const records = [
    ONE,
    { ...ONE, delta: 1, key: Uint8Array.of(5) },
    { ...ONE, delta: 2, value: new Uint8Array(200) },
  ];
  const property = fc.property(damage, fc.boolean(), fc.nat(400), (changes, isSigned, cut) => {
    const bytes = Buffer.concat([batch(10, 1000, records), batch(13, 1000, [ONE])]);
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    const length = 12 + bytes.readInt32BE(8);
    if (isSigned && length >= HEAD_BYTES) signed(bytes.subarray(0, length));
    const got = bytes.subarray(0, bytes.length - (cut % bytes.length));
    let last = 10;
    try {
      for (const run of readRuns(
        { partition: 7, errorCode: 0, preferredReplica: -1, aborted: [], bytes: got },
        10,
        3,
      )) {
        for (const { offset, value } of run.records) {
          expect(offset).toBeGreaterThanOrEqual(10);
          // What lies beyond the answer in memory is nobody's.
          expect(value === null || value.length <= 200).toBe(true);
        }
        expect(run.next).toBeGreaterThanOrEqual(last);
        last = run.next;
      }
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableError);
    }
  });
  fc.assert(property, { numRuns: runsOf(2000) });
});

test('readRuns() gives what stands before a batch that is not what was written', () => {
  const broken = batch(1, 0, [ONE]);
  broken[broken.length - 2]! ^= 1;
  const runs = readRuns(
    {
      partition: 7,
      errorCode: 0,
      preferredReplica: -1,
      aborted: [],
      bytes: Buffer.concat([batch(0, 0, [ONE]), broken]),
    },
    0,
    3,
  );
  expect(runs.next().value).toMatchObject({ records: [{ offset: 0 }], next: 1 });
  expect(() => runs.next()).toThrow(/cannot be read from 1 on: the checksum of a batch is wrong/);
});
