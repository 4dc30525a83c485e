import { describe, expect, test } from '@jest/globals';
import { parseEvery } from './every.ts';

describe('parseEvery()', () => {
  test.each([
    [undefined, null],
    ['', null],
    ['100', 100],
    ['1000', 1000],
    ['60000', 60_000],
    ['99', 'invalid'],
    ['60001', 'invalid'],
    ['0', 'invalid'],
    ['-100', 'invalid'],
    ['0100', 'invalid'],
    ['1e3', 'invalid'],
    ['250.5', 'invalid'],
    [' 250', 'invalid'],
    ['250ms', 'invalid'],
    ['100000000000', 'invalid'],
  ])('parseEvery() takes whole milliseconds, 100 to 60000: %p is %p', (text, expected) => {
    expect(parseEvery(text)).toBe(expected);
  });
});
