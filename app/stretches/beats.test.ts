import { describe, expect, jest, test } from '@jest/globals';
import type { Beat } from '../views/pace.ts';
import { Beats } from './beats.ts';

describe('Beats', () => {
  test('Beats.after() wakes for each beat once it is due, those of one moment together, by one timer', () => {
    jest.useFakeTimers();
    const woken: Beat[] = [];
    const beats = new Beats((beat) => woken.push(beat));
    const [late, early] = [beats.after(1000), beats.after(100)];
    expect(beats.after(1000)).toBe(late);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(99);
    expect([woken, early.isDue]).toEqual([[], false]);
    jest.advanceTimersByTime(21);
    expect([woken, early.isDue, late.isDue]).toEqual([[early], true, false]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1000);
    expect(woken).toEqual([early, late]);
    expect(jest.getTimerCount()).toBe(0);
    beats.after(100);
    beats.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});
