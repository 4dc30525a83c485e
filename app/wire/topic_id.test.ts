import { describe, expect, test } from '@jest/globals';
import { areSame, matches, NO_TOPIC_ID } from './topic_id.ts';

const ONE = Uint8Array.of(1, 2, 3, 4);
const OTHER = Uint8Array.of(1, 2, 3, 5);

describe('matches()', () => {
  test.each([
    ['itself', ONE, ONE.slice(), true],
    ['another', ONE, OTHER, false],
    ['one that is not known', ONE, NO_TOPIC_ID, true],
  ])('matches() takes an id and %s for %p', (_, a, b, expected) => {
    expect([matches(a, b), matches(b, a)]).toEqual([expected, expected]);
  });
});

test('areSame() takes an id that is not known for that alone', () => {
  expect(areSame(NO_TOPIC_ID, Uint8Array.of(0, 0, 0, 0))).toBe(true);
  expect(areSame(NO_TOPIC_ID, ONE)).toBe(false);
});
