import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { ByteWriter } from './byte_writer.ts';
import { cursorFor, findCursor, nameHashOf, parseAnyCursor, parseCursor } from './cursor.ts';
import { partOfCursor, partOfId, partOfPlace, writeTopicsCursor } from './topics_cursor.ts';

const anyName = fc.string({ minLength: 1, maxLength: 40 });
const anyPlace = fc.record({
  topicId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  offsets: fc.array(fc.maxSafeNat(), { maxLength: 12 }),
});
const anyTopics = fc.uniqueArray(fc.tuple(anyName, anyPlace), {
  minLength: 1,
  maxLength: 32,
  selector: ([name]) => name,
});

/** Written from the contract, with BigInt. */
function encode(topics: readonly [string, { topicId: Uint8Array; offsets: readonly number[] }][]) {
  const parts = topics.flatMap(([name, { topicId, offsets }]) => {
    const pairs = offsets.flatMap((offset, partition) => [partition, offset]);
    const hash = createHash('sha256').update(name).digest().subarray(0, 4);
    return [
      ...hash,
      ...topicId,
      ...[offsets.length, ...pairs].flatMap((n) => varint(BigInt(n) * 2n)),
    ];
  });
  return base64url([3, topics.length, ...parts]);
}

const base64url = (bytes: readonly number[]): string =>
  Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];

const placeOf = ({ topicId, offsets }: { topicId: Uint8Array; offsets: readonly number[] }) => ({
  topicId,
  positions: Float64Array.from(offsets),
  unknown: [],
});

function written(parts: readonly (Uint8Array | null)[], time: number | null = null): string {
  const out = new ByteWriter(4);
  writeTopicsCursor(out, parts, time);
  return Buffer.from(out.view()).toString();
}

describe('writeTopicsCursor()', () => {
  test('writeTopicsCursor() writes exactly the bytes of an independent encoder, and they are read back', async () => {
    await fc.assert(
      fc.asyncProperty(anyTopics, async (topics) => {
        const hashes = await Promise.all(topics.map(([name]) => nameHashOf(name)));
        const text = written(topics.map(([, place], n) => partOfPlace(hashes[n]!, placeOf(place))));
        expect(text).toBe(encode(topics));
        const cursor = parseAnyCursor(text)!;
        for (const [n, [, { topicId, offsets }]] of topics.entries()) {
          expect(cursorFor(cursor, hashes[n]!)).toEqual({
            topicId,
            offsets: new Map(offsets.entries()),
          });
        }
      }),
    );
  });

  test('partOfId() and partOfCursor() are the same bytes as the place has', () => {
    const hash = Uint8Array.of(1, 2, 3, 4);
    fc.assert(
      fc.property(anyPlace, (place) => {
        const part = partOfPlace(hash, placeOf(place));
        const { topicId, offsets } = place;
        const id = base64url([2, ...part.subarray(4)]);
        expect(partOfId(hash, Buffer.from(id))).toEqual(part);
        expect(partOfCursor(hash, { topicId, offsets: new Map(offsets.entries()) })).toEqual(part);
      }),
    );
  });

  test('writeTopicsCursor() leaves out what is not known, and says when it was made', () => {
    const part = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0);
    expect(written([null, part, null], 1_769_860_800)).toBe('AwEBAgMEBQYHCAA=/~t9q9c0');
    expect(findCursor(['AwEBAgMEBQYHCAA=/~t9q9c0/etag'])).toEqual({
      topics: [
        {
          nameHash: Uint8Array.of(1, 2, 3, 4),
          topicId: Uint8Array.of(5, 6, 7, 8),
          offsets: new Map(),
        },
      ],
      time: 1_769_860_800,
    });
  });

  test('writeTopicsCursor() fits 32 topics of 12 partitions into a request head', () => {
    const offsets = Array.from({ length: 12 }, (_, n) => 10 ** 9 + n);
    const topicId = Uint8Array.of(1, 2, 3, 4);
    const parts = Array.from({ length: 32 }, (_, n) =>
      partOfPlace(Uint8Array.of(n, 0, 0, 0), placeOf({ topicId, offsets })),
    );
    const text = written(parts, 1_769_860_800);
    expect(text.length).toBeLessThan(4096);
    expect(parseAnyCursor(text)).toMatchObject({ topics: { length: 32 } });
  });
});

describe('parseAnyCursor()', () => {
  const topic = (hash: number): number[] => [hash, 0, 0, 0, 1, 2, 3, 4, 2, 0, 14];

  test('parseAnyCursor() takes any bytes of version 3 without a crash, and no more than fits', () => {
    const part = fc.tuple(fc.nat(3), fc.array(fc.nat(255), { maxLength: 3 }));
    const body = fc.oneof(
      fc.array(fc.nat(255)),
      fc.array(part).map((all) => all.flatMap(([hash, stray]) => [...topic(hash), ...stray])),
    );
    fc.assert(
      fc.property(fc.nat(40), body, (count, bytes) => {
        const cursor = parseAnyCursor(base64url([3, count, ...bytes]));
        if (cursor === null) return;
        if (!('topics' in cursor)) throw new Error('version 3 names topics');
        expect(cursor.topics).toHaveLength(count);
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(32);
      }),
      { numRuns: runsOf(1000) },
    );
  });

  test('parseAnyCursor() refuses one that is cut off, or goes on', () => {
    const bytes = [3, 2, ...topic(1), ...topic(2)];
    for (let length = 0; length < bytes.length; length++) {
      expect(parseAnyCursor(base64url(bytes.slice(0, length)))).toBeNull();
    }
    expect(parseAnyCursor(base64url(bytes))).not.toBeNull();
    expect(parseAnyCursor(base64url([...bytes, 0]))).toBeNull();
  });

  test.each<[string, number[]]>([
    ['no topic', [3, 0]],
    ['a topic named twice', [3, 2, ...topic(1), ...topic(1)]],
    ['33 topics', [3, 33, ...Array.from({ length: 33 }, (_, n) => topic(n)).flat()]],
    ['a count drawn out', [3, 0x81, 0, ...topic(1)]],
    ['a topic of 1,001 partitions', [3, 1, 1, 0, 0, 0, 1, 2, 3, 4, ...varint(2002n)]],
    ['a partition named twice', [3, 1, 1, 0, 0, 0, 1, 2, 3, 4, 4, 0, 2, 0, 2]],
  ])('parseAnyCursor() refuses %s', (_, bytes) => {
    expect(parseAnyCursor(base64url(bytes))).toBeNull();
  });

  test('parseCursor() takes none of several topics, and cursorFor() none of another topic', () => {
    const text = base64url([3, 1, ...topic(1)]);
    expect(parseCursor(text)).toBeNull();
    expect(cursorFor(parseAnyCursor(text)!, Uint8Array.of(2, 0, 0, 0))).toBeNull();
    expect(cursorFor(parseAnyCursor('Ao8nEHQCAAI=')!, Uint8Array.of(2, 0, 0, 0))).toEqual(
      parseCursor('Ao8nEHQCAAI='),
    );
  });
});
