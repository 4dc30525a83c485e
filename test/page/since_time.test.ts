import { describe, expect, test } from '@jest/globals';
import { localOf, sinceOf } from '../../public/page/since_time.js';

describe('sinceOf() and localOf()', () => {
  test('are each other back, whatever the zone', () => {
    for (const since of ['2026-01-31T12:00:00.000Z', '2026-07-01T23:59:59.000Z']) {
      expect(sinceOf(localOf(since))).toBe(since);
    }
    expect(localOf('1769860800000')).toBe(localOf('2026-01-31T12:00:00Z'));
  });

  test('are empty for what is no time', () => {
    expect([sinceOf(''), localOf(''), localOf('soon')]).toEqual(['', '', '']);
  });
});
