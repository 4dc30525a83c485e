import { deflateRawSync, constants as zlib } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { GzipBody } from './gzip_body.mjs';

const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const BLOCKS = ['retry:1000\n\n', 'data:one\n\n', `data:${'two'.repeat(30)}\n\n`];

it('GzipBody reads what comes in chunks, wherever it is cut', () => {
  const chunks = BLOCKS.flatMap((block, n) => {
    const deflated = deflateRawSync(block, { finishFlush: zlib.Z_SYNC_FLUSH });
    const bytes = n === 0 ? Buffer.concat([HEAD, deflated]) : deflated;
    return [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')];
  });
  const all = Buffer.concat([Buffer.from('head'), ...chunks]);
  for (let cut = 4; cut <= all.length; cut++) {
    let read = '';
    const body = new GzipBody((bytes) => {
      read += bytes.toString();
    });
    body.read(all, 4, cut);
    body.read(all, cut, all.length);
    expect(read).toBe(BLOCKS.join(''));
  }
});
