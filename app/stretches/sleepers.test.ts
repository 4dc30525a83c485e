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

  test('Sleepers.wakeFor() wakes who waits for whatever comes, and for one of these', () => {
    const woken: string[] = [];
    const sleepers = new Sleepers();
    const [mine, theirs] = [{}, {}];
    const client = (name: string) => ({ isAhead: false, wake: () => woken.push(name) });
    const first = client('mine');
    sleepers.add(first, mine);
    sleepers.add(client('mine, too'), mine);
    sleepers.add(client('theirs'), theirs);
    sleepers.add(client('all'));
    const gone = client('gone');
    sleepers.add(gone, mine);
    sleepers.delete(gone, mine);
    expect(sleepers.size).toBe(4);
    expect(sleepers.wakeFor([mine])).toBe(3);
    expect(woken).toEqual(['all', 'mine', 'mine, too']);
    sleepers.wakeAll();
    expect([woken.at(-1), sleepers.size]).toEqual(['theirs', 0]);
  });
});
