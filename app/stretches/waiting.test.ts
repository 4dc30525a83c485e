import { describe, expect, test } from '@jest/globals';
import { Waiting } from './waiting.ts';

describe('Waiting', () => {
  test('Waiting.wakeAll() wakes each client once', () => {
    const woken: string[] = [];
    const waiting = new Waiting();
    for (const name of ['first', 'last']) {
      waiting.add({ isAhead: false, wake: () => woken.push(name) });
    }
    waiting.wakeAll();
    waiting.wakeAll();
    expect(woken).toEqual(['first', 'last']);
    expect(waiting.size).toBe(0);
  });

  test('Waiting.wakeAll() leaves those waiting who wait again meanwhile', () => {
    let turns = 0;
    const waiting = new Waiting();
    const client = {
      isAhead: false,
      wake() {
        turns++;
        waiting.add(client);
      },
    };
    waiting.add(client);
    waiting.wakeAll();
    expect([turns, waiting.size]).toEqual([1, 1]);
  });

  test('Waiting.wakeAhead() wakes those alone that are ahead', () => {
    const woken: string[] = [];
    const waiting = new Waiting();
    waiting.add({ isAhead: false, wake: () => woken.push('behind') });
    waiting.add({ isAhead: true, wake: () => woken.push('ahead') });
    waiting.wakeAhead();
    expect(woken).toEqual(['ahead']);
    expect(waiting.size).toBe(1);
  });
});
