import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Sleepers } from '../stretches/sleepers.ts';
import { fanOut } from './fan_out.ts';

const { signal } = new AbortController();

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Clients that wait, each of which takes a time to write to. */
function clients(count: number, milliseconds: number): Sleepers {
  const sleepers = new Sleepers();
  for (let i = 0; i < count; i++) {
    const wake = (): void => {
      jest.setSystemTime(Date.now() + milliseconds);
    };
    sleepers.add({ isAhead: false, wake });
  }
  return sleepers;
}

/** How long the reader is held up, in milliseconds. */
async function restAfter(sleepers: Sleepers, records: number): Promise<number> {
  let isOver = false;
  const over = fanOut(sleepers, [], records, signal).then(() => {
    isOver = true;
  });
  expect(sleepers.size).toBe(0);
  await jest.advanceTimersByTimeAsync(0);
  for (let rest = 0; ; rest++) {
    if (isOver) {
      await over;
      return rest;
    }
    await jest.advanceTimersByTimeAsync(1);
  }
}

describe('fanOut()', () => {
  test('rests three times as long as the writes took, 25 ms at the most', async () => {
    expect(await restAfter(clients(5, 0), 1)).toBe(1);
    expect(await restAfter(clients(4, 1), 1)).toBe(1 + 12);
    expect(await restAfter(clients(100, 1), 1)).toBe(1 + 25);
  });

  test('reads on at once where nobody waited, and where many records were joined', async () => {
    expect(await restAfter(clients(0, 0), 1)).toBe(0);
    expect(await restAfter(clients(4, 1), 64)).toBe(0);
  });

  test('rests where all who wait do so for beats, until many records are read at once', async () => {
    const sleepers = new Sleepers();
    const sleeper = { isAhead: false, wake: () => {} };
    sleepers.add(sleeper, sleepers.beats.after(1000));
    const rests = async (records: number): Promise<number> => {
      const began = Date.now();
      const over = fanOut(sleepers, [], records, signal);
      if (jest.getTimerCount() > 1) await jest.advanceTimersByTimeAsync(10);
      await over;
      return Date.now() - began;
    };
    expect([await rests(10), await rests(255), await rests(256)]).toEqual([10, 10, 0]);
    // Somebody else waits for what a filter chooses of what comes, or for all of it.
    const [other, filter] = [{ ...sleeper }, {}];
    sleepers.add(other, filter);
    expect(await rests(10)).toBe(0);
    sleepers.delete(other, filter);
    expect(await rests(10)).toBe(10);
    sleepers.add(other);
    expect(await rests(64)).toBe(0);
    sleepers.beats.close();
  });

  test('ends its rest with the signal', async () => {
    const end = new AbortController();
    const over = fanOut(clients(100, 1), [], 1, end.signal);
    end.abort();
    await over;
    expect(jest.getTimerCount()).toBe(0);
  });
});
