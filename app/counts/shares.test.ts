import { expect, test } from '@jest/globals';
import { Shares } from './shares.ts';
import { Traffic } from './traffic.ts';

test('Shares.hand() counts for each topic what is its own, by parts, and the rest for one of them', () => {
  const [a, b] = [new Traffic(), new Traffic()];
  const shares = new Shares();
  shares.add(a, 60);
  shares.add(b, 30);
  shares.add(a, 40);
  shares.hand(30, 60, b);
  expect([a.plainBytesSent, b.plainBytesSent]).toEqual([60, 0]);
  shares.hand(40, 80, b);
  expect([a.plainBytesSent, b.plainBytesSent]).toEqual([100, 40]);
  expect([a.bytesSent, b.bytesSent]).toEqual([50, 20]);
  expect(shares.take()).toEqual([]);
});
