import { describe, expect, it } from '@jest/globals';
import { median, percentile, spread } from './statistics.mjs';

describe('median()', () => {
  it('takes the number in the middle, whatever the order', () => {
    expect(median([9, 1, 10])).toBe(9);
  });

  it('takes the mean of the two in the middle', () => {
    expect(median([4, 1, 10, 2])).toBe(3);
  });

  it('is no number where there is none', () => {
    expect(median([])).toBeNaN();
  });
});

describe('percentile()', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0.001, 1],
  ])('of the numbers 1 to 100, %p do not exceed %p', (share, expected) => {
    expect(percentile(hundred, share)).toBe(expected);
  });

  it('is the only number there is, or none', () => {
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.99)).toBeNaN();
  });
});

describe('spread()', () => {
  it('is the distance of the outermost, as a share of the median', () => {
    expect(spread([10, 9, 12])).toBeCloseTo(0.3);
    expect(spread([10])).toBe(0);
  });
});
