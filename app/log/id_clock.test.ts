import { describe, expect, test } from '@jest/globals';
import { IdClock } from './id_clock.ts';

const T = 1_769_860_800;

function clockAt(milliseconds: number, retentionMs: number): IdClock {
  const clock = new IdClock(() => milliseconds);
  clock.retentionMs = retentionMs;
  return clock;
}

describe('IdClock', () => {
  test('IdClock.isTooOld() lets an id be a quarter of delete.retention.ms old', () => {
    const ages = (retentionMs: number, ...ms: number[]): boolean[] =>
      ms.map((age) => clockAt(T * 1000 + age, retentionMs).isTooOld(T));
    expect(ages(8000, 0, 2000, 2001)).toEqual([false, false, true]);
    expect(ages(86_400_000, 21_600_000, 21_600_001)).toEqual([false, true]);
  });

  test('IdClock.isTooOld() lets it be a second old, however short delete.retention.ms is', () => {
    expect(clockAt(T * 1000 + 1000, 100).isTooOld(T)).toBe(false);
    expect(clockAt(T * 1000 + 1001, 100).isTooOld(T)).toBe(true);
  });

  test('IdClock.isAgeing() is true a second before, once a new id would be later', () => {
    const ageing = (ms: number): boolean => clockAt(T * 1000 + ms, 12_000).isAgeing(T);
    expect([ageing(2000), ageing(2001), ageing(3000)]).toEqual([false, true, true]);
    expect(clockAt(T * 1000 + 999, 100).isAgeing(T)).toBe(false);
    expect(clockAt(T * 1000 + 1000, 100).isAgeing(T)).toBe(true);
  });
});
