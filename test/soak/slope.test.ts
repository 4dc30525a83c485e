import { describe, expect, test } from '@jest/globals';
import { slopeOf } from './slope.ts';

describe('slopeOf()', () => {
  test('is how much a line rises a minute', () => {
    const line = [0, 1, 2, 5].map((at) => ({ at, value: 3 - 2 * at }));
    expect(slopeOf(line)).toBeCloseTo(-2);
  });

  test('is that of the line with the least squares', () => {
    const points = [1, 3, 2, 5].map((value, at) => ({ at, value }));
    // Computed by hand: sum of (at - 1.5)(value - 2.75) is 5.5, of (at - 1.5) squared 5.
    expect(slopeOf(points)).toBeCloseTo(1.1);
  });

  test('is not known of fewer than two times', () => {
    expect(slopeOf([])).toBeNull();
    expect(slopeOf([{ at: 1, value: 1 }])).toBeNull();
  });
});
