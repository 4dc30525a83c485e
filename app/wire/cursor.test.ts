import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { ByteWriter } from './byte_writer.ts';
import { parseCursor, writeCursor } from './cursor.ts';

type Pairs = readonly (readonly [partition: number, offset: number])[];

const TOPIC_ID = Uint8Array.of(0x8f, 0x27, 0x10, 0x74);
const EXAMPLE = 'Ao8nEHQCAAI=';

const anyOffset = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1000),
  fc.integer({ min: 6, max: 53 }).map((bit) => 2 ** bit - 1),
);
const anyTopicId = fc.uint8Array({ minLength: 4, maxLength: 4 });
const anyOffsets = fc.array(anyOffset, { maxLength: 40 });

describe('writeCursor()', () => {
  test('writeCursor() writes the example of the contract', () => {
    expect(cursorText(TOPIC_ID, [1])).toBe(EXAMPLE);
    expect(Buffer.from(EXAMPLE, 'base64url').toString('hex')).toBe('028f271074020002');
  });

  test('writeCursor() writes exactly the bytes of an independent encoder', () => {
    const unknown = fc.uniqueArray(fc.tuple(fc.integer({ min: 40, max: 2 ** 31 - 1 }), anyOffset), {
      selector: ([partition]) => partition,
      maxLength: 5,
    });
    fc.assert(
      fc.property(anyTopicId, anyOffsets, unknown, (topicId, offsets, unknown) => {
        const later = unknown.sort(([a], [b]) => a - b);
        expect(cursorText(topicId, offsets, later)).toBe(
          encode(topicId, [...offsets.entries(), ...later]),
        );
      }),
    );
  });

  test('writeCursor() says when it was made, where it is told', () => {
    const out = new ByteWriter(2);
    const place = { topicId: TOPIC_ID, positions: Float64Array.of(1), unknown: [] };
    writeCursor(out, place, 1_769_860_800);
    expect(Buffer.from(out.view()).toString()).toBe(`${EXAMPLE}/~t9q9c0`);
    expect(parseCursor(`${EXAMPLE}/~t9q9c0`)).toEqual({
      topicId: TOPIC_ID,
      offsets: new Map([[0, 1]]),
      time: 1_769_860_800,
    });
  });

  test('parseCursor() takes no time but one of base 36, and none without a cursor', () => {
    for (const time of [
      '',
      '~',
      '/',
      '/~',
      '/~T9Q9C0',
      '/~t9 q9c0',
      '/~-1',
      '/~zzzzzzzzzzz',
      '/t9q9c0',
    ]) {
      expect([time, parseCursor(EXAMPLE + time)]).toEqual([
        time,
        time === '' ? { topicId: TOPIC_ID, offsets: new Map([[0, 1]]) } : null,
      ]);
    }
    expect(parseCursor('/~t9q9c0')).toBeNull();
  });

  test('writeCursor() adds to what is there', () => {
    const out = new ByteWriter(2);
    out.text('id:');
    writeCursor(out, { topicId: TOPIC_ID, positions: Float64Array.of(1), unknown: [] }, null);
    out.text('\n');
    expect(Buffer.from(out.view()).toString()).toBe(`id:${EXAMPLE}\n`);
  });

  test('parseCursor() takes more than 1,000 partitions for no cursor, even those of a topic', () => {
    const offsets = new Array<number>(1001).fill(5);
    expect(parseCursor(cursorText(TOPIC_ID, offsets))).toBeNull();
    expect(parseCursor(cursorText(TOPIC_ID, offsets.slice(1)))?.offsets.size).toBe(1000);
  });

  test.each([
    [0, 3924],
    [2 ** 40, 10_592],
  ])(
    'writeCursor() and parseCursor() take 1,000 partitions with offsets from %p',
    (base, length) => {
      const offsets = Array.from({ length: 1000 }, (_, partition) => base + (partition % 50));
      const text = cursorText(TOPIC_ID, offsets);
      expect(text).toHaveLength(length);
      expect(text).toBe(encode(TOPIC_ID, [...offsets.entries()]));
      expect([...parseCursor(text)!.offsets]).toEqual([...offsets.entries()]);
    },
  );
});

describe('parseCursor()', () => {
  test('parseCursor() gives back what writeCursor() wrote', () => {
    fc.assert(
      fc.property(anyTopicId, anyOffsets, (topicId, offsets) => {
        expect(parseCursor(cursorText(topicId, offsets))).toEqual({
          topicId,
          offsets: new Map(offsets.entries()),
        });
      }),
    );
  });

  test('parseCursor() takes version 1, which has no id bytes', () => {
    expect(parseCursor('AQIAAg==')).toEqual({
      topicId: new Uint8Array(4),
      offsets: new Map([[0, 1]]),
    });
    fc.assert(
      fc.property(anyOffsets, (offsets) => {
        expect(parseCursor(encode(null, [...offsets.entries()]))).toEqual({
          topicId: new Uint8Array(4),
          offsets: new Map(offsets.entries()),
        });
      }),
    );
  });

  test('parseCursor() takes partitions in any order, and leaves out those not named', () => {
    const text = encode(TOPIC_ID, [
      [7, 70],
      [2 ** 31 - 1, Number.MAX_SAFE_INTEGER],
      [3, 0],
    ]);
    expect(parseCursor(text)?.offsets).toEqual(
      new Map([
        [7, 70],
        [2 ** 31 - 1, Number.MAX_SAFE_INTEGER],
        [3, 0],
      ]),
    );
  });

  test('parseCursor() agrees with an independent decoder on any bytes, and never throws', () => {
    const numbers = fc
      .array(fc.oneof(anyOffset, fc.nat(3)).map((value) => varint(BigInt(value) * 2n)))
      .map((all) => all.flat());
    const body = fc.oneof(numbers, fc.array(fc.nat(255)), fc.array(fc.constantFrom(0, 2, 128)));
    const version = fc.constantFrom([1], [2, 0, 0, 0, 0], [2], [0], [3], []);
    const cursor = fc.tuple(version, body).map(([head, rest]) => [...head, ...rest]);
    fc.assert(
      fc.property(fc.oneof(cursor, fc.array(fc.nat(255))), (bytes) => {
        const parsed = parseCursor(base64url(bytes));
        expect(parsed === null ? null : [...parsed.offsets]).toEqual(decode(bytes));
      }),
      { numRuns: runsOf(1000) },
    );
  });

  test('parseCursor() refuses a cursor that is cut off, or goes on', () => {
    const bytes = [
      ...Buffer.from(
        encode(TOPIC_ID, [
          [0, 2 ** 40],
          [1, 300],
        ]),
        'base64url',
      ),
    ];
    for (let length = 0; length < bytes.length; length++) {
      expect(parseCursor(base64url(bytes.slice(0, length)))).toBeNull();
    }
    expect(parseCursor(base64url(bytes))).not.toBeNull();
    expect(parseCursor(base64url([...bytes, 0]))).toBeNull();
  });

  test.each<[string, number[]]>([
    ['a partition named twice', [1, 4, 0, 2, 0, 2]],
    ['a negative offset', [1, 2, 0, 1]],
    ['a negative partition', [1, 2, 3, 2]],
    ['a negative count', [1, 1]],
    ['a partition above 2^31 - 1', [1, 2, ...varint(2n ** 32n), 2]],
    ['an offset of 2^53', [1, 2, 0, ...varint(2n ** 54n)]],
    [
      'a negative offset that a double cannot tell from a positive one',
      [...[1, 2, 0], ...varint(2n ** 54n - 5n)],
    ],
    ['the largest 64-bit number', [1, 2, 0, ...varint(2n ** 64n - 1n)]],
    ['a zero drawn out until a double overflows', [1, 2, 0, ...Array(150).fill(0x80), 0]],
    ['an offset drawn out by one byte too many', [1, 2, 0, 2 | 0x80, ...Array(7).fill(0x80), 0]],
    ['a count without partitions', [1, 2]],
    ['a count of 2^53 - 1', [1, ...varint(2n ** 54n - 2n)]],
    ['id bytes cut off', [2, 0x8f, 0x27, 0x10]],
    ['nothing after the id bytes', [2, 0x8f, 0x27, 0x10, 0x74]],
    ['version 0', [0, 2, 0, 2]],
    ['version 3', [3, 0, 0, 0, 0, 2, 0, 2]],
  ])('parseCursor() refuses %s', (_, bytes) => {
    expect(parseCursor(base64url(bytes))).toBeNull();
  });

  const NO_BASE64URL = '= ==== A AQIAAg= AQIAAg=== AQ+/ AQIAÄg== -1 0 42 null undefined latest';
  test.each([...NO_BASE64URL.split(' '), '', 'AQIA Ag==', 'AQIA\nAg==', '\0', '\ud800'])(
    'parseCursor() refuses %j',
    (text) => {
      expect(parseCursor(text)).toBeNull();
    },
  );
});

function cursorText(topicId: Uint8Array, offsets: readonly number[], unknown: Pairs = []): string {
  const out = new ByteWriter(16);
  writeCursor(out, { topicId, positions: Float64Array.from(offsets), unknown }, null);
  return Buffer.from(out.view()).toString();
}

/** Written from the contract, with BigInt; without a topic id it is version 1. */
function encode(topicId: Uint8Array | null, pairs: Pairs): string {
  const numbers = [pairs.length, ...pairs.flat()].flatMap((value) => varint(BigInt(value) * 2n));
  return base64url(topicId === null ? [1, ...numbers] : [2, ...topicId, ...numbers]);
}

function base64url(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
}

/** What a cursor's bytes say, `null` for bytes that are no cursor. */
function decode(bytes: readonly number[]): [number, number][] | null {
  const body = bytes[0] === 2 ? bytes.slice(5) : bytes.slice(1);
  if ((bytes[0] !== 1 && bytes[0] !== 2) || body.length === 0 || body.at(-1)! > 127) return null;
  const varints = body.reduce<number[][]>(
    (all, byte, i) => {
      all.at(-1)!.push(byte);
      if (byte < 128 && i < body.length - 1) all.push([]);
      return all;
    },
    [[]],
  );
  if (varints.some((one) => one.length > 8)) return null;
  const zigzags = varints.map((one) =>
    one.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 127), 0n),
  );
  if (zigzags.some((value) => value % 2n === 1n || value / 2n >= 2n ** 53n)) return null;
  const [count, ...rest] = zigzags.map((value) => Number(value / 2n));
  const pairs = Array.from({ length: rest.length / 2 }, (_, i): [number, number] => {
    return [rest[2 * i]!, rest[2 * i + 1]!];
  });
  const partitions = new Set(pairs.map(([partition]) => partition));
  const isWhole = rest.length === count! * 2 && partitions.size === count;
  return isWhole && [...partitions].every((partition) => partition < 2 ** 31) ? pairs : null;
}
