import { expect, test } from '@jest/globals';
import { identityOf } from './identity.ts';
import { TokenCache } from './token_cache.ts';

const alice = identityOf({ sub: 'alice' }, 0);
/** As long as 64 tokens that fill it. */
const token = (number: number): string => `${number}.`.padEnd(2 ** 18, 'x');

test('TokenCache.get() has the tokens that were asked for last, and no more than fit', () => {
  const cache = new TokenCache();
  for (let number = 0; number < 1000; number++) {
    cache.set(token(number), alice);
    expect(cache.get(token(0))).toBe(alice);
  }
  // From the last one on: what is asked for takes the place of others.
  const known = Array.from({ length: 1000 }, (_, back) => cache.get(token(999 - back)));
  expect(known.slice(0, 30)).toEqual(Array(30).fill(alice));
  const kept = known.filter((identity) => identity !== undefined).length;
  expect(kept).toBeLessThanOrEqual(64);
});

test('TokenCache.delete() and clear() leave nothing of a token, wherever it stands', () => {
  const cache = new TokenCache();
  for (let number = 0; number < 40; number++) cache.set(token(number), alice);
  cache.delete(token(10));
  cache.delete(token(39));
  expect([10, 39, 11].map((number) => cache.get(token(number)))).toEqual([
    undefined,
    undefined,
    alice,
  ]);
  cache.clear();
  for (let number = 0; number < 40; number++) expect(cache.get(token(number))).toBeUndefined();
});
