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

  test('IdClock.seconds is little later than when the log had everything', () => {
    const seconds = (retentionMs: number, lagMs: number): number => {
      const clock = clockAt(T * 1000, retentionMs);
      clock.caughtUpAt = T * 1000 - lagMs;
      return clock.seconds - T;
    };
    expect([0, 1000, 1001, 9000].map((lagMs) => seconds(8000, lagMs))).toEqual([0, 0, -1, -8]);
    expect([8000, 8001, 60_000].map((lagMs) => seconds(86_400_000, lagMs))).toEqual([0, -1, -52]);
    expect([0, 1, 5000].map((lagMs) => seconds(100, lagMs))).toEqual([0, -1, -5]);
  });

  test('IdClock.isTooOld() and isAgeing() are false while no later id can be made', () => {
    const clock = clockAt(T * 1000, 8000);
    clock.caughtUpAt = (T - 7) * 1000;
    expect([clock.seconds, clock.isTooOld(T - 6), clock.isAgeing(T - 6)]).toEqual([
      T - 6,
      false,
      false,
    ]);
    expect([clock.isTooOld(T - 7), clock.isAgeing(T - 7)]).toEqual([true, true]);
  });

  test('IdClock.isLate() tells of each absence that is longer, however much later an id says', () => {
    const isLate = (retentionMs: number, ms: number): boolean => {
      const clock = clockAt(T * 1000, retentionMs);
      clock.caughtUpAt = T * 1000 - 60_000;
      return clock.isLate(clock.seconds, clock.caughtUpAt + ms);
    };
    for (const retentionMs of [100, 1000, 3999, 4000, 5000, 8000, 30_000, 86_400_000]) {
      expect([retentionMs, isLate(retentionMs, retentionMs + 1)]).toEqual([retentionMs, true]);
    }
    expect([8000, 30_000, 86_400_000].map((ms) => isLate(ms, ms * 0.75))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('IdClock.isLate() counts until the log was loaded for an id from before its reading began', () => {
    const clock = clockAt(T * 1000, 8000);
    Object.assign(clock, { beganAt: (T + 2) * 1000, loadedAt: (T + 9) * 1000 });
    expect([clock.isLate(T + 1, (T + 3) * 1000), clock.isLate(T + 2, (T + 3) * 1000)]).toEqual([
      true,
      false,
    ]);
  });

  test('IdClock.isBehind is true once the log lacks something for longer than delete.retention.ms', () => {
    const isBehind = (retentionMs: number, lagMs: number): boolean => {
      const clock = clockAt(T * 1000, retentionMs);
      clock.caughtUpAt = T * 1000 - lagMs;
      return clock.isBehind;
    };
    expect([isBehind(8000, 8000), isBehind(8000, 8001)]).toEqual([false, true]);
    expect([isBehind(0, 1000), isBehind(0, 1001)]).toEqual([false, true]);
  });

  test('IdClock.isAgeing() is true a second before, once a new id would be later', () => {
    const ageing = (ms: number): boolean => clockAt(T * 1000 + ms, 12_000).isAgeing(T);
    expect([ageing(2000), ageing(2001), ageing(3000)]).toEqual([false, true, true]);
    expect(clockAt(T * 1000 + 999, 100).isAgeing(T)).toBe(false);
    expect(clockAt(T * 1000 + 1000, 100).isAgeing(T)).toBe(true);
  });
});
