import { expect, test } from '@jest/globals';
import { CaughtUp } from './caught_up.ts';

test('CaughtUp.at is when the ends were asked for to which the reading has come', () => {
  const one = new CaughtUp(100);
  one.looked(200, Float64Array.of(5, 2));
  one.hasRead(Float64Array.of(5, 1));
  expect(one.at).toBe(100);
  one.looked(300, Float64Array.of(6, 2));
  one.hasRead(Float64Array.of(5, 2));
  expect(one.at).toBe(200);
  one.looked(400, Float64Array.of(6, 2));
  one.hasRead(Float64Array.of(6, 2));
  expect(one.at).toBe(400);
});

test('CaughtUp keeps a few of the ends to which a reading has not come, the oldest of them', () => {
  const one = new CaughtUp(0);
  for (let n = 1; n <= 100; n++) one.looked(n, Float64Array.of(n));
  one.hasRead(Float64Array.of(9));
  expect(one.at).toBe(9);
  one.hasRead(Float64Array.of(100));
  expect(one.at).toBe(16);
});
