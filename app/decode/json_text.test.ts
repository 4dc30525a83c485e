import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonText } from './json_text.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(bytes: Uint8Array): string | null {
  const json = jsonText(bytes);
  return json === null ? null : decoder.decode(json);
}

describe('jsonText()', () => {
  test.each([
    ['{"a":1}', '{"a":1}'],
    [' \t\r\n[1, 2]\n\n', '[1, 2]'],
    ['{\r\n  "a": "\\ud800"\r\n}\n', '{\r\n  "a": "\\ud800"\r\n}'],
    ['9007199254740993', '9007199254740993'],
    ['1e999', '1e999'],
    ['-0.10', '-0.10'],
    ['"é🚀"', '"é🚀"'],
    ['{"__proto__":1,"__proto__":2}', '{"__proto__":1,"__proto__":2}'],
    ['null', 'null'],
  ])('jsonText() takes %j as it is, without the blanks around it', (text, json) => {
    expect(textOf(encoder.encode(text))).toBe(json);
  });

  test.each([
    ...['', ' ', '{', '{"a":1}}', "{'a':1}", '01', '1 2', 'NaN', 'undefined', '[1,]'],
    ...['\uFEFF{}', '\u00a0{}', '{}\u2028', '"\t"', '{}\0', '\f{}'],
  ])('jsonText() takes %j for no JSON', (text) => {
    expect(textOf(encoder.encode(text))).toBeNull();
  });

  test('jsonText() takes bytes that are no UTF-8 for no JSON', () => {
    expect(jsonText(Uint8Array.of(0x22, 0xff, 0x22))).toBeNull();
    expect(jsonText(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBeNull();
  });

  test('jsonText() takes a megabyte of brackets, and of what only begins so', () => {
    const depth = 500_000;
    expect(textOf(encoder.encode('['.repeat(depth) + ']'.repeat(depth)))).toHaveLength(2 * depth);
    expect(textOf(encoder.encode('['.repeat(2 * depth)))).toBeNull();
    expect(textOf(encoder.encode(' '.repeat(2 * depth)))).toBeNull();
  });

  test('jsonText() takes whatever JSON.stringify() makes, and sees no byte outside of a view', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (json) => {
        const bytes = encoder.encode(`x ${json} }`);
        expect(textOf(bytes.subarray(1, bytes.length - 1))).toBe(json.trim());
      }),
    );
  });
});
