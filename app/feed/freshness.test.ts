import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Freshness } from './freshness.ts';

const BEGAN = 1_700_000_000_000;

describe('Freshness', () => {
  let ending!: AbortController;
  let changes!: (string | null)[];
  let freshness!: Freshness;

  beforeEach(() => {
    jest.useFakeTimers({ now: BEGAN });
    ending = new AbortController();
    changes = [];
    freshness = new Freshness(() => changes.push(told()));
    void freshness.watch(ending.signal);
  });

  afterEach(() => {
    ending.abort();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const told = (): string | null =>
    freshness.staleBlock && new TextDecoder().decode(freshness.staleBlock);

  test('Freshness is stale once nothing was answered for 10 s, since the start', async () => {
    await jest.advanceTimersByTimeAsync(9999);
    expect(told()).toBeNull();
    await jest.advanceTimersByTimeAsync(1);
    const stale = `event:stale\ndata:{"since":${BEGAN}}\n\n`;
    expect([told(), changes]).toEqual([stale, [stale]]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(changes).toEqual([stale]);
  });

  test('Freshness is stale 10 s after the last answer, and fresh with the next one, each time', async () => {
    const stale = (since: number): string => `event:stale\ndata:{"since":${since}}\n\n`;
    const expected: (string | null)[] = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 5; n++) {
        await jest.advanceTimersByTimeAsync(4000);
        freshness.answered();
      }
      const since = Date.now();
      await jest.advanceTimersByTimeAsync(9999);
      expect(told()).toBeNull();
      await jest.advanceTimersByTimeAsync(1 + round * 7000);
      freshness.answered();
      expected.push(stale(since), null);
      expect(changes).toEqual(expected);
    }
  });
});
