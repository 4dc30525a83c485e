import { describe, expect, test } from '@jest/globals';
import { parseUntil, UNTIL_FORMS, WAIT_FORMS } from './until.ts';

describe('parseUntil()', () => {
  test.each([
    [undefined, undefined, null],
    ['', '', null],
    ['live', undefined, { waitMs: 0 }],
    ['live', '', { waitMs: 0 }],
    [undefined, '1', { waitMs: 1000 }],
    ['', '60', { waitMs: 60_000 }],
    ['live', '20', { waitMs: 20_000 }],
  ])('parseUntil() of until=%s and wait=%s is %j', (until, wait, expected) => {
    expect(parseUntil(until, wait)).toEqual(expected);
  });

  test.each(['LIVE', 'now', '1', ' live'])('parseUntil() refuses until=%s', (until) => {
    expect(parseUntil(until, '5')).toBe(UNTIL_FORMS);
  });

  test.each(['0', '61', '100', '-1', '1.5', '1e1', '05', ' 5', 'live'])(
    'parseUntil() refuses wait=%s',
    (wait) => {
      expect(parseUntil('live', wait)).toBe(WAIT_FORMS);
    },
  );
});
