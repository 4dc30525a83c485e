import { describe, expect, test } from '@jest/globals';
import { Rate } from '../../public/page/rate.js';

describe('Rate', () => {
  test('is what came a second over the last three', () => {
    const rate = new Rate();
    for (let now = 10_000; now < 20_000; now += 10) rate.add(now);
    expect(rate.perSecond(19_999)).toBe(100);
    expect(rate.perSecond(21_499)).toBe(50);
    expect(rate.perSecond(25_000)).toBe(0);
    rate.add(100_000);
    rate.add(100_000);
    rate.add(100_000);
    expect(rate.perSecond(100_000)).toBe(1);
  });
});
