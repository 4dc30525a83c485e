import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Turns } from './turns.ts';

describe('Turns', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('Turns.isOver once so many records were looked at, until the next turn', () => {
    const turns = new Turns(10);
    turns.spend(9);
    expect(turns.isOver).toBe(false);
    turns.spend(1);
    expect(turns.isOver).toBe(true);
    jest.runAllTimers();
    expect(turns.isOver).toBe(false);
  });

  test('Turns.isOver once a turn takes long, too, whatever is left of it', () => {
    const turns = new Turns(1000, 5);
    turns.spend(150);
    const now = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 6);
    turns.spend(10);
    expect(turns.isOver).toBe(false);
    turns.spend(100);
    expect(turns.isOver).toBe(true);
    now.mockRestore();
    jest.runAllTimers();
    expect(turns.isOver).toBe(false);
  });

  test('Turns.wait() wakes the first who came first, and no more than there is time for', () => {
    const turns = new Turns(10);
    const woken: string[] = [];
    const client = (name: string, work: number) => ({
      wake: () => {
        woken.push(name);
        turns.spend(work);
      },
    });
    turns.spend(10);
    for (const [name, work] of [
      ['a', 4],
      ['b', 8],
      ['c', 1],
      ['d', 1],
    ] as const) {
      turns.wait(client(name, work));
    }
    jest.advanceTimersToNextTimer();
    expect(woken).toEqual(['a', 'b']);
    jest.advanceTimersToNextTimer();
    expect(woken).toEqual(['a', 'b', 'c', 'd']);
    jest.runAllTimers();
    expect(jest.getTimerCount()).toBe(0);
  });
});
