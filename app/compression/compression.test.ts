import { gunzipSync, constants as zlib } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ZLIB } from '../../runtime/process/zlib_compressor.ts';
import type { Compressor } from '../ports/compression.ts';
import { Compression } from './compression.ts';
import type { GzipMember } from './gzip_member.ts';

const encoder = new TextEncoder();
const FEED = {};

/** A block of JSON as a stream has it, never the same twice. */
function block(n: number, more = ''): Uint8Array {
  return encoder.encode(
    `data:{"order":"o-${n}","customer":"c-${n % 7}","status":"paid","currency":"EUR"${more}}\nid:Ao8nEHQCAAI${n}=\n\n`,
  );
}

/** What one client got, plain and compressed. */
class Reader {
  readonly #member: GzipMember;
  readonly #plain: Uint8Array[] = [];
  readonly #got: Uint8Array[] = [];
  /** Bytes of the last part. */
  last = 0;

  constructor(member: GzipMember) {
    this.#member = member;
  }

  get(plain: Uint8Array, isShared: boolean): this {
    const bytes = this.#member.add(plain, isShared);
    this.#plain.push(plain);
    this.#got.push(bytes);
    this.last = bytes.length;
    return this;
  }

  /** Whether what has come so far can all be read. */
  readsAll(): boolean {
    const got = Buffer.concat(this.#got);
    return gunzipSync(got, { finishFlush: zlib.Z_SYNC_FLUSH }).equals(Buffer.concat(this.#plain));
  }

  /** The same once it has ended, with checksum and length. */
  end(): boolean {
    this.#got.push(this.#member.end()!);
    this.#member.close();
    return gunzipSync(Buffer.concat(this.#got)).equals(Buffer.concat(this.#plain));
  }

  close(): void {
    this.#member.close();
  }
}

/** Counts the deflaters that are open. */
function counting(): { compressor: Compressor; open: () => number } {
  let open = 0;
  const deflater: Compressor['deflater'] = (level) => {
    const one = ZLIB.deflater(level);
    open++;
    return {
      deflate: (bytes) => one.deflate(bytes),
      reset: () => one.reset(),
      close: () => {
        open--;
        one.close();
      },
    };
  };
  return { compressor: { ...ZLIB, deflater }, open: () => open };
}

test('Compression gives each client its own stream, all of which can be read at any time', () => {
  // Which of six clients do what with each slice: take it; lag, and take two as one; get something alone.
  const doing = fc.constantFrom('take', 'take', 'take', 'lag', 'own', 'go', 'end');
  const rounds = fc.array(fc.array(doing, { minLength: 6, maxLength: 6 }), { maxLength: 25 });
  fc.assert(
    fc.property(rounds, (all) => {
      const compression = new Compression(ZLIB);
      const join = (): Reader =>
        new Reader(compression.stream(FEED, FEED)).get(encoder.encode('retry:1\n\n'), false);
      const readers = Array.from({ length: 6 }, join);
      const missed = readers.map((): Uint8Array[] => []);
      for (const [n, round] of all.entries()) {
        const slice = block(n);
        for (const [at, what] of round.entries()) {
          const reader = readers[at]!;
          if (what === 'own') reader.get(block(n, ',"own":true'), false);
          if (what === 'lag') missed[at]!.push(slice);
          else if (what === 'go' || what === 'end') {
            if (what === 'end') expect(reader.end()).toBe(true);
            reader.close();
            readers[at] = join();
            missed[at] = [];
          } else if (missed[at]!.length > 0) {
            reader.get(Buffer.concat([...missed[at]!, slice]), true);
            missed[at] = [];
          } else reader.get(slice, true);
          expect(readers[at]!.readsAll()).toBe(true);
        }
      }
      for (const reader of readers) expect(reader.end()).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('Compression compresses a slice once for all, with what came before', () => {
  let bytes = 0;
  const compressor: Compressor = {
    ...ZLIB,
    deflater(level) {
      const one = ZLIB.deflater(level);
      const deflate = (plain: Uint8Array): Uint8Array => {
        bytes += plain.length;
        return one.deflate(plain);
      };
      return { deflate, reset: () => one.reset(), close: () => one.close() };
    },
  };
  const compression = new Compression(compressor);
  const readers = Array.from({ length: 100 }, () => new Reader(compression.stream(FEED, FEED)));
  let plain = 0;
  for (let n = 0; n < 20; n++) {
    const slice = block(n);
    plain += slice.length;
    for (const reader of readers) reader.get(slice, true);
  }
  expect(bytes).toBe(plain);
  expect(readers.at(-1)!.last * 4).toBeLessThan(block(19).length);
});

test('Compression lets a client join again that had something alone, wherever it stands in the row', () => {
  for (const place of [0, 5, 9]) {
    const compression = new Compression(ZLIB);
    const readers = Array.from({ length: 10 }, () => new Reader(compression.stream(FEED, FEED)));
    const all = (n: number): void => {
      const slice = block(n);
      for (const reader of readers) reader.get(slice, true);
    };
    for (let n = 0; n < 3; n++) all(n);
    const reader = readers[place]!;
    const shared = reader.last;
    reader.get(encoder.encode(':\n\n'), false);
    all(3);
    expect(reader.last).toBeGreaterThan(2 * shared);
    // It costs what it saves after as many slices as there are others.
    for (let n = 4; n < 16; n++) all(n);
    expect(reader.last).toBeLessThan(2 * shared);
    expect(readers.every((one) => one.readsAll())).toBe(true);
  }
});

test('Compression joins a few after 200 slices, however many the others are', () => {
  const compression = new Compression(ZLIB);
  const readers = Array.from({ length: 400 }, () => new Reader(compression.stream(FEED, FEED)));
  const late = new Reader(compression.stream(FEED, FEED));
  for (let n = 0; n < 205; n++) {
    const slice = block(n);
    for (const reader of readers) reader.get(slice, true);
    if (n > 2) late.get(slice, true);
  }
  expect(late.last * 3).toBeLessThan(block(204).length);
  expect(late.readsAll()).toBe(true);
});

test('Compression takes no deflater for a view of one client, and a bounded number for others', () => {
  const { compressor, open } = counting();
  const compression = new Compression(compressor);
  const single = Array.from({ length: 500 }, () => new Reader(compression.stream(FEED, {})));
  for (const reader of single) reader.get(block(1), true);
  expect(open()).toBe(0);
  const views = Array.from({ length: 100 }, () => ({}));
  const pairs = views.flatMap((view) => [
    new Reader(compression.stream(FEED, view)),
    new Reader(compression.stream(FEED, view)),
  ]);
  for (const reader of pairs) reader.get(block(2), true);
  // One more is for what is compressed by itself.
  expect(open()).toBe(65);
  expect([...single, ...pairs].every((reader) => reader.readsAll())).toBe(true);
  for (const reader of [...single, ...pairs]) reader.close();
  expect(open()).toBe(1);
});

test('Compression goes on with the one client that is left of a view, and with those who come again', () => {
  const compression = new Compression(ZLIB);
  const [first, second] = [0, 1].map(() => new Reader(compression.stream(FEED, FEED)));
  for (const reader of [first!, second!]) reader.get(block(0), true);
  second!.close();
  first!.get(block(1), true);
  const third = new Reader(compression.stream(FEED, FEED));
  for (const n of [2, 3]) {
    const slice = block(n);
    for (const reader of [first!, third]) reader.get(slice, true);
  }
  expect([first!.end(), third.end()]).toEqual([true, true]);
});

test('Compression ends a document that had nothing as a whole member', () => {
  const member = new Compression(ZLIB).document();
  expect(gunzipSync(member.end()!).length).toBe(0);
  expect(member.end()).toBeNull();
});
