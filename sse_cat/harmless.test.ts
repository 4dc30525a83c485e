import { describe, expect, test } from '@jest/globals';
import { harmless } from './harmless.mjs';

describe('harmless()', () => {
  test('shows what steers a terminal, and nothing else', () => {
    expect(harmless('\u001b]0;title\u0007\u009b2J\u007f\r\u202eabc\u2069', false)).toBe(
      '\\x1b]0;title\\x07\\x9b2J\\x7f\\x0d\\u202eabc\\u2069',
    );
    const text = 'tab\tand\nlines, é 🚀 \\ שלום "\u00a0"';
    expect(harmless(text, false)).toBe(text);
  });

  test('leaves JSON what it is', () => {
    const value = { a: '\u001b[2J\u009b\u007f\u202e' };
    const shown = harmless(JSON.stringify(value), true);
    expect(shown).toBe('{"a":"\\u001b[2J\\u009b\\u007f\\u202e"}');
    expect(JSON.parse(shown)).toEqual(value);
  });
});
