import { describe, expect, it } from '@jest/globals';
import { countStamps, StampReader, stampedOrder, stampedValue, VALUE_BYTES } from './stamp.mjs';

/** As a server sends them; the last has the largest number there may be. */
const STREAM = Buffer.concat(
  [0, 1, 9_999_999].flatMap((seq) => [
    Buffer.from('data:'),
    stampedValue(1_764_000_000_000_000 + seq, seq),
    Buffer.from(`\nid:${seq}\n\n`),
  ]),
);

function seqsOf(pieces: readonly Buffer[]): number[] {
  const seqs: number[] = [];
  const reader = new StampReader((micros, seq) => {
    expect(Math.abs(micros - (1_764_000_000_000_000 + seq))).toBeLessThan(1);
    seqs.push(seq);
  });
  // Behind the piece stands what an earlier read left.
  for (const piece of pieces) reader.read(Buffer.concat([piece, STREAM]), piece.length);
  return seqs;
}

describe.each([
  ['stampedValue()', stampedValue],
  ['stampedOrder()', stampedOrder],
])('%s', (_, stamped) => {
  it('is JSON of a fixed size, whatever its number', () => {
    for (const seq of [0, 3, 9_999_999]) {
      const value = stamped(1_764_000_000_000_000, seq);
      expect(value).toHaveLength(VALUE_BYTES);
      expect(JSON.parse(value.toString()).m).toBe(`@1764000000000000000:${seq};`);
    }
  });
});

describe('countStamps()', () => {
  it('counts each value once, wherever the bytes are cut', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const counted =
        countStamps(STREAM, cut) + countStamps(STREAM.subarray(cut), STREAM.length - cut);
      expect(counted).toBe(3);
    }
  });
});

describe('StampReader', () => {
  it('reads each stamp once, wherever the bytes are cut', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(seqsOf([STREAM.subarray(0, cut), STREAM.subarray(cut)])).toEqual([0, 1, 9_999_999]);
    }
  });

  it('reads stamps that come in tiny pieces', () => {
    const pieces = [];
    for (let at = 0; at < STREAM.length; at += 7) pieces.push(STREAM.subarray(at, at + 7));
    expect(seqsOf(pieces)).toEqual([0, 1, 9_999_999]);
  });
});
