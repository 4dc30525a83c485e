import { expect, test } from '@jest/globals';
import { bytesOf, hexDump } from '../../public/page/hex_dump.js';
import { markedText, pieces } from '../../public/page/marks.js';

test('pieces() keep every character of a text, and mark what is not seen', () => {
  const text = 'a\r\nb\tc\u0000\u202Ed\u200Be';
  const all = pieces(text);
  expect(all.map((piece) => piece.text).join('')).toBe(text);
  expect(all.map(({ text: piece, mark }) => mark || piece).join('')).toBe(
    'a↵b→c␀[U+202E]d[U+200B]e',
  );
  expect(markedText(text)).toBe('a↵b→c␀[U+202E]d[U+200B]e');
  // Letters that need a joiner keep it.
  expect(pieces('👩\u200D🚀 é')).toEqual([{ text: '👩\u200D🚀 é', mark: '' }]);
  expect(pieces('')).toEqual([]);
});

test('hexDump() shows the bytes of a text and of base64', () => {
  expect(hexDump(bytesOf('é, world!', false))).toBe(
    '0000  c3 a9 2c 20 77 6f 72 6c  ··, worl\n0008  64 21                    d!',
  );
  expect(hexDump(bytesOf('+/8=', true))).toMatch(/^0000 {2}fb ff/);
  expect(hexDump(new Uint8Array(5000))).toMatch(/\nand 904 bytes more$/);
});
