import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRuns } from './fetched_records.ts';

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
  return bytes;
}

function read(bytes: Buffer, from = 0) {
  return [...readRuns({ partition: 7, errorCode: 0, aborted: [], bytes }, from, 3)];
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
  expect(read(empty, 5)).toEqual([{ records: [], next: 10 }]);
});

test.each([
  ['of the format before Kafka 0.11', (bytes: Buffer) => bytes.writeInt8(1, 16), /format 1/],
  ['of an unknown compression', (bytes: Buffer) => bytes.writeInt16BE(7, 21), /compression 7/],
  ['of more records than it holds', (bytes: Buffer) => bytes.writeInt32BE(2, 57), /./],
  ['of a record that is longer', (bytes: Buffer) => bytes.writeInt8(40, HEAD_BYTES), /long/],
])('readRuns() says where it cannot go on, at a batch %s', (_, damage, why) => {
  const bytes = batch(3, 0, [ONE]);
  damage(bytes);
  expect(() => read(bytes, 3)).toThrow(/^partition 7 cannot be read from 3 on: /);
  expect(() => read(bytes, 3)).toThrow(why);
});
