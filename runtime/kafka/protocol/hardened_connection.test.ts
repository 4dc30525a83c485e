import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AnswerSizes } from './hardened_connection.ts';

function answer(size: number, bytes = size): Buffer {
  const all = Buffer.alloc(4 + bytes);
  all.writeInt32BE(size, 0);
  return all;
}

/** Bytes in pieces that end where somebody else likes. */
function pieces(all: Buffer, ends: readonly number[]): Buffer[] {
  const cuts = [0, ...ends.map((end) => end % all.length).sort((a, b) => a - b), all.length];
  return cuts.slice(1).map((end, n) => all.subarray(cuts[n], end));
}

const some = fc.array(fc.integer({ min: 4, max: 300 }), { minLength: 1, maxLength: 20 });
const ends = fc.array(fc.nat(), { maxLength: 60 });

test('AnswerSizes lets answers pass, however they are cut', () => {
  fc.assert(
    fc.property(some, ends, (sizes, cuts) => {
      const all = Buffer.concat(sizes.map((size) => answer(size)));
      const looked = new AnswerSizes();
      for (const piece of pieces(all, cuts)) looked.take(piece);
    }),
  );
});

test('AnswerSizes refuses a size that no answer has, behind others and however it is cut', () => {
  const wrong = fc.oneof(
    fc.integer({ max: 3 }),
    fc.integer({ min: 100_000_001, max: 2 ** 31 - 1 }),
  );
  fc.assert(
    fc.property(some, wrong, ends, (sizes, size, cuts) => {
      const before = sizes.map((one) => answer(one));
      const all = Buffer.concat([...before, answer(size, 0)]);
      const looked = new AnswerSizes();
      expect(() => {
        for (const piece of pieces(all, cuts)) looked.take(piece);
      }).toThrow(`an answer of ${size} bytes`);
    }),
  );
});

test('AnswerSizes leaves a broker that speaks TLS to the client, which tells it', () => {
  new AnswerSizes().take(Buffer.from([0x15, 3, 3, 0, 2, 2, 70]));
});
