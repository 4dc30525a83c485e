import { describe, expect, test } from '@jest/globals';
import { Sleepers } from './sleepers.ts';

describe('Sleepers', () => {
  test('Sleepers.wakeAll() wakes each client once', () => {
    const woken: string[] = [];
    const sleepers = new Sleepers();
    for (const name of ['first', 'last']) {
      sleepers.add({ isAhead: false, wake: () => woken.push(name) });
    }
    sleepers.wakeAll();
    sleepers.wakeAll();
    expect(woken).toEqual(['first', 'last']);
    expect(sleepers.size).toBe(0);
  });

  test('Sleepers.wakeAll() leaves those asleep who wait again meanwhile', () => {
    let turns = 0;
    const sleepers = new Sleepers();
    const client = {
      isAhead: false,
      wake() {
        turns++;
        sleepers.add(client);
      },
    };
    sleepers.add(client);
    sleepers.wakeAll();
    expect([turns, sleepers.size]).toEqual([1, 1]);
  });

  test('Sleepers.wakeAhead() wakes those alone that are ahead', () => {
    const woken: string[] = [];
    const sleepers = new Sleepers();
    sleepers.add({ isAhead: false, wake: () => woken.push('behind') });
    sleepers.add({ isAhead: true, wake: () => woken.push('ahead') });
    sleepers.wakeAhead();
    expect(woken).toEqual(['ahead']);
    expect(sleepers.size).toBe(1);
  });
});
