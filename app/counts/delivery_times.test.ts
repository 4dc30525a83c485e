import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DELIVERY_BOUNDS_MS, DeliveryTimes } from './delivery_times.ts';

const NOW = 1_700_000_000_000;

/** Records by the upper bound of their bucket. */
function bucketsOf(times: DeliveryTimes): Record<string, number> {
  const { counts } = times.read();
  const entries = [...counts].map((count, i) => [DELIVERY_BOUNDS_MS[i] ?? 'more', count] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

describe('DeliveryTimes', () => {
  test('DeliveryTimes counts each record of each client in the bucket of its own time', () => {
    const times = new DeliveryTimes();
    const timestamps = Float64Array.of(NOW - 60_001, NOW - 60_000, NOW - 6, NOW - 5, NOW - 1, NOW);
    times.add(timestamps, NOW);
    times.add(timestamps, NOW);
    times.add(timestamps, NOW + 10);
    expect(bucketsOf(times)).toEqual({
      1: 4,
      5: 2,
      10: 2 + 1,
      20: 3,
      60000: 2,
      more: 2 + 2,
    });
    const once = 60_001 + 60_000 + 6 + 5 + 1;
    expect(times.read().sumMs).toBe(3 * once + 6 * 10);
  });

  test('DeliveryTimes leaves out what has no timestamp, and takes one from the future for now', () => {
    const times = new DeliveryTimes();
    times.add(Float64Array.of(-1, NOW + 5000, -1), NOW);
    expect(bucketsOf(times)).toEqual({ 1: 1 });
    expect(times.read().sumMs).toBe(0);
  });

  test('DeliveryTimes sees timestamps that changed in place, once they were read', () => {
    const times = new DeliveryTimes();
    const timestamps = Float64Array.of(NOW);
    times.add(timestamps, NOW);
    expect(bucketsOf(times)).toEqual({ 1: 1 });
    timestamps[0] = NOW - 100;
    times.add(timestamps, NOW);
    expect(bucketsOf(times)).toEqual({ 1: 1, 100: 1 });
  });

  test('DeliveryTimes counts the same whatever the order in which clients and readers come', () => {
    const slices = fc.array(fc.array(fc.integer({ min: 0, max: 70_000 })), { minLength: 1 });
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.boolean()));
    fc.assert(
      fc.property(slices, steps, (ages, taken) => {
        const times = new DeliveryTimes();
        const timestamps = ages.map((some) => Float64Array.from(some, (age) => NOW - age));
        const expected = Array.from({ length: DELIVERY_BOUNDS_MS.length + 1 }, () => 0);
        let sumMs = 0;
        let now = NOW;
        for (const [which, later, isRead] of taken) {
          now += later;
          const slice = timestamps[which % timestamps.length]!;
          times.add(slice, now);
          for (const timestamp of slice) {
            const ms = now - timestamp;
            const bucket = DELIVERY_BOUNDS_MS.findIndex((bound) => ms <= bound);
            expected[bucket < 0 ? DELIVERY_BOUNDS_MS.length : bucket]!++;
            sumMs += ms;
          }
          if (isRead) times.read();
        }
        expect([...times.read().counts]).toEqual(expected);
        expect(times.read().sumMs).toBe(sumMs);
      }),
    );
  });
});
