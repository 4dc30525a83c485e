import { expect, test } from '@jest/globals';
import { OrderAccount, PriceAccount } from './account.mjs';

test('OrderAccount counts what is missing in between, and what comes again', () => {
  const written = new Map([['order-1', 6]]);
  const account = new OrderAccount(written, 'order-1');
  for (const seq of [1, 2, 5]) account.take({ seq });
  expect(account).toMatchObject({ lost: 2, doubled: 0 });
  account.take({ seq: 5 });
  account.take({ seq: 2 });
  account.take({ seq: 6 });
  expect(account).toMatchObject({ lost: 2, doubled: 2 });
});

test('OrderAccount.look() says whether all is there that had been written a look ago', () => {
  const written = new Map([['order-1', 1]]);
  const account = new OrderAccount(written, 'order-1');
  expect(account.look()).toBe(true);
  expect(account.look()).toBe(false);
  account.take({ seq: 1 });
  written.set('order-1', 2);
  expect(account.look()).toBe(true);
  expect(account.look()).toBe(false);
});

test('PriceAccount misses a change that is the latest of its price, and no other', () => {
  const written = new Map([
    ['A', 5],
    ['B', 3],
  ]);
  const account = new PriceAccount(written);
  // 1 and 2 were superseded by 5, and 3 by nothing.
  account.take({ symbol: 'A', seq: 4 });
  account.look();
  expect(account.lost).toBe(1);
  account.take({ symbol: 'A', seq: 5 });
  account.look();
  expect(account.lost).toBe(1);
  // On its way, or superseded by what is.
  written.set('A', 9).set('B', 8);
  account.take({ symbol: 'C', seq: 7 });
  account.look();
  expect(account).toMatchObject({ lost: 1, doubled: 0 });
});

test('PriceAccount counts a change that comes again, and one that comes too late', () => {
  const account = new PriceAccount(new Map());
  for (const seq of [3, 3, 2, 4]) account.take({ symbol: 'A', seq });
  expect(account).toMatchObject({ lost: 0, doubled: 2 });
});

test('PriceAccount.look() says whether all is there that had been written a look ago', () => {
  const written = new Map([['A', 1]]);
  const account = new PriceAccount(written);
  account.look();
  expect(account.look()).toBe(false);
  account.take({ symbol: 'A', seq: 1 });
  expect(account.look()).toBe(true);
});
