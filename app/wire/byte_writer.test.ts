import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteWriter } from './byte_writer.ts';

/** Any UTF-16 at all, lone surrogates too. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((units) => String.fromCharCode(...units));
const anyOffset = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bit) => Math.min(2 ** bit, Number.MAX_SAFE_INTEGER)),
  fc.integer({ min: 0, max: 53 }).map((bit) => 2 ** bit - 1),
);

function written(write: (out: ByteWriter) => void, capacity = 1024): Buffer {
  const out = new ByteWriter(capacity);
  write(out);
  return Buffer.from(out.copy());
}

function padded(base64url: string): string {
  return base64url.padEnd(Math.ceil(base64url.length / 4) * 4, '=');
}

describe('ByteWriter', () => {
  test('ByteWriter holds what was written one after the other, from any capacity', () => {
    const piece = fc.oneof(
      fc.nat(255).map((value) => ({
        write: (out: ByteWriter) => out.byte(value),
        bytes: Buffer.of(value),
      })),
      fc.uint8Array().map((value) => ({
        write: (out: ByteWriter) => out.bytes(value),
        bytes: Buffer.from(value),
      })),
      anyText.map((value) => ({
        write: (out: ByteWriter) => out.text(value),
        bytes: Buffer.from(new TextEncoder().encode(value)),
      })),
      fc.uint8Array().map((value) => ({
        write: (out: ByteWriter) => out.base64(value),
        bytes: Buffer.from(Buffer.from(value).toString('base64')),
      })),
      fc.uint8Array().map((value) => ({
        write: (out: ByteWriter) => out.base64url(value),
        bytes: Buffer.from(padded(Buffer.from(value).toString('base64url'))),
      })),
      fc.uint8Array().map((value) => ({
        write: (out: ByteWriter) => {
          const begin = out.length;
          out.bytes(value);
          out.toBase64url(begin);
        },
        bytes: Buffer.from(padded(Buffer.from(value).toString('base64url'))),
      })),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.nat(40), (pieces, capacity) => {
        const result = written((out) => {
          for (const { write } of pieces) write(out);
        }, capacity);
        expect(result).toEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)));
      }),
    );
  });

  test('ByteWriter.zigzag() is that of BigInt arithmetic, up to 2^53 - 1', () => {
    fc.assert(
      fc.property(anyOffset, (value) => {
        expect([...written((out) => out.zigzag(value), 0)]).toEqual(zigzag(BigInt(value)));
      }),
    );
  });

  test.each([
    [0, '00'],
    [1, '02'],
    [63, '7e'],
    [64, '8001'],
    [2 ** 27 - 1, 'feffff7f'],
    [2 ** 27, '8080808001'],
    [2 ** 31, '8080808010'],
    [2 ** 40, '808080808040'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
  ])('ByteWriter.zigzag() writes %p as %s', (value, hex) => {
    expect(written((out) => out.zigzag(value)).toString('hex')).toBe(hex);
  });

  test('ByteWriter.text() grows in the middle of a text without splitting a pair', () => {
    for (let capacity = 0; capacity < 24; capacity++) {
      const text = 'aé€😀\ud800z😀\udc00';
      expect(written((out) => out.text(text), capacity).toString()).toBe('aé€😀\ufffdz😀\ufffd');
    }
  });

  test('ByteWriter.text() holds no room that ASCII does not need', () => {
    const out = new ByteWriter(16);
    out.text('x'.repeat(1_000_000));
    expect(out.capacity).toBe(1_000_000);
  });

  test('ByteWriter copies what it holds a few times only, however small the pieces', () => {
    const out = new ByteWriter(1);
    const buffers = new Set<unknown>();
    for (let i = 0; i < 100_000; i++) {
      out.byte(0);
      buffers.add(out.view().buffer);
    }
    expect(buffers.size).toBeLessThan(20);
  });

  test('ByteWriter.view() stays right when more is written and the buffer is exchanged', () => {
    const out = new ByteWriter(4);
    out.text('abc');
    const early = out.view();
    const part = out.view(1, 2);
    out.text('d'.repeat(1000));
    out.byte(0x65);
    expect(Buffer.from(early).toString()).toBe('abc');
    expect(Buffer.from(part).toString()).toBe('b');
    expect(out.length).toBe(1004);
    expect(Buffer.from(out.view(1002)).toString()).toBe('de');
  });

  test('ByteWriter.copy() has nothing to do with what is written after clear()', () => {
    const out = new ByteWriter(8);
    out.text('first');
    const copy = out.copy();
    out.clear();
    expect(out.length).toBe(0);
    out.text('other');
    expect(Buffer.from(copy).toString()).toBe('first');
    expect(Buffer.from(out.view()).toString()).toBe('other');
  });
});

function zigzag(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value << 1n;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
