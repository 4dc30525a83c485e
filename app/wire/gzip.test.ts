import { crc32, deflateRawSync, gunzipSync, constants as zlib } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { combinedCrc, crcShift, GZIP_HEAD, gzipEnd, stored } from './gzip.ts';

const BYTES = fc.uint8Array({ maxLength: 300 });

test('combinedCrc() makes the checksum of two pieces out of theirs', () => {
  fc.assert(
    fc.property(BYTES, BYTES, (first, second) => {
      const both = combinedCrc(crc32(first), crc32(second), crcShift(second.length));
      expect(both).toBe(crc32(Buffer.concat([first, second])));
    }),
  );
});

test('combinedCrc() takes pieces of many megabytes', () => {
  const second = new Uint8Array(5_000_001).fill(7);
  const both = combinedCrc(crc32('a'), crc32(second), crcShift(second.length));
  expect(both).toBe(crc32(second, crc32('a')));
});

test('gzipEnd() ends a member of stored and compressed blocks as gunzip wants it', () => {
  const piece = fc.record({ bytes: BYTES, isStored: fc.boolean() });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      let crc = 0;
      const blocks = pieces.map(({ bytes, isStored }) => {
        crc = combinedCrc(crc, crc32(bytes), crcShift(bytes.length));
        if (isStored) return stored(bytes);
        return deflateRawSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH });
      });
      const all = Buffer.concat(pieces.map(({ bytes }) => bytes));
      const member = Buffer.concat([GZIP_HEAD, ...blocks, gzipEnd(crc, all.length)]);
      expect(gunzipSync(member).equals(all)).toBe(true);
    }),
  );
});

test('stored() parts what does not fit one block', () => {
  const bytes = new Uint8Array(200_000).map((_, at) => at * 31);
  const member = [GZIP_HEAD, stored(bytes), gzipEnd(crc32(bytes), bytes.length)];
  expect(gunzipSync(Buffer.concat(member)).equals(bytes)).toBe(true);
});
