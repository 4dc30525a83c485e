import { inflateRawSync, constants as zlib } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { ZLIB } from './zlib_compressor.ts';

const SYNC = { finishFlush: zlib.Z_SYNC_FLUSH };
const block = (n: number): Buffer =>
  Buffer.from(`data:{"id":"order-${n}","state":"${n % 2 ? 'paid' : 'sent'}"}\nid:AgAAAAIA${n}\n\n`);

test('ZLIB.deflater() keeps a window over calls, and each is decoded as soon as it is there', () => {
  const deflater = ZLIB.deflater(6);
  const pieces: Uint8Array[] = [];
  for (let n = 0; n < 300; n++) {
    pieces.push(deflater.deflate(block(n)));
    if (n % 50 > 0) continue;
    const all = Buffer.concat(Array.from({ length: n + 1 }, (_, at) => block(at)));
    expect(inflateRawSync(Buffer.concat(pieces), SYNC).equals(all)).toBe(true);
  }
  expect(pieces.at(-1)!.length * 3).toBeLessThan(block(299).length);
  deflater.close();
});

test('ZLIB.deflater() begins anew once it is reset', () => {
  const deflater = ZLIB.deflater(1);
  deflater.deflate(block(1));
  deflater.reset();
  expect(inflateRawSync(deflater.deflate(block(1)), SYNC).equals(block(1))).toBe(true);
});

test('ZLIB.deflater() takes what is larger than its own buffers', () => {
  const bytes = new Uint8Array(300_000).map((_, at) => (at * at) >> 3);
  const all = Buffer.concat([ZLIB.deflater(6).deflate(bytes)]);
  expect(inflateRawSync(all, SYNC).equals(bytes)).toBe(true);
});
