import { afterEach, describe, expect, test } from '@jest/globals';
import {
  formatFull,
  formatTime,
  localOf,
  setUtc,
  sinceOf,
  zoneName,
} from '../../public/page/clock.js';

afterEach(() => setUtc(false));

describe('sinceOf() and localOf()', () => {
  test.each([false, true])('are each other back, whatever the zone (UTC: %s)', (isUtc) => {
    setUtc(isUtc);
    for (const since of ['2026-01-31T12:00:00.000Z', '2026-07-01T23:59:59.000Z']) {
      expect(sinceOf(localOf(since))).toBe(since);
    }
    expect(localOf('1769860800000')).toBe(localOf('2026-01-31T12:00:00Z'));
  });

  test('are empty for what is no time', () => {
    expect([sinceOf(''), localOf(''), localOf('soon')]).toEqual(['', '', '']);
  });
});

describe('formatTime() and formatFull()', () => {
  test('have one clock, which is told', () => {
    const time = Date.UTC(2026, 0, 31, 12, 0, 0, 7);
    setUtc(true);
    expect(formatTime(time, time + 1000)).toBe('12:00:00.007');
    expect(formatTime(time, time + 86_400_000)).toBe('2026-01-31 12:00:00');
    expect(formatFull(time)).toBe('2026-01-31 12:00:00.007 UTC');
    expect(zoneName(time)).toBe('UTC');
    setUtc(false);
    const offset = /^UTC([+−]\d\d:\d\d)$/.exec(zoneName(time))?.[1];
    const local = new Date(time).toLocaleTimeString('sv');
    expect(formatTime(time, time)).toBe(`${local}.007`);
    expect(formatFull(time)).toContain(`${local}.007 ${offset}`);
  });
});
