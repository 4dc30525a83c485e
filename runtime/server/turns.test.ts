import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

/** Behind the timer of a turn that was begun before. */
const turn = (): Promise<void> => delay(0);

describe('Turns', () => {
  test('take() does at once what fits into a turn, and the rest in the turns after it', async () => {
    const turns = new Turns(2, () => 0);
    const done: number[] = [];
    for (let n = 1; n <= 5; n++) turns.take(turns, () => done.push(n), 1);
    expect(done).toEqual([1, 2]);
    await turn();
    expect(done).toEqual([1, 2, 3, 4]);
    await turn();
    expect(done).toEqual([1, 2, 3, 4, 5]);
    turns.take(turns, () => done.push(6));
    expect(done).toHaveLength(6);
  });

  test('take() lets who has little go before the rest of who has much', async () => {
    const turns = new Turns(2, () => 0);
    const done: string[] = [];
    const [much, little] = [{}, {}];
    for (let n = 1; n <= 6; n++) turns.take(much, () => done.push(`much ${n}`), 1);
    turns.take(little, () => done.push('little'), 1);
    await turn();
    expect(done).toEqual(['much 1', 'much 2', 'much 3', 'little']);
    await turn();
    await turn();
    expect(done).toHaveLength(7);
  });

  test('take() keeps the order of what a task adds for the same owner', async () => {
    const turns = new Turns(1, () => 0);
    const done: number[] = [];
    turns.take(
      turns,
      () => {
        done.push(1);
        turns.take(turns, () => done.push(2), 1);
      },
      1,
    );
    turns.take(turns, () => done.push(3), 1);
    await turn();
    await turn();
    expect(done).toEqual([1, 2, 3]);
  });

  test('take() counts the time that work has taken', async () => {
    let now = 0;
    const turns = new Turns(4, () => now);
    const done: number[] = [];
    for (let n = 1; n <= 3; n++) {
      turns.take(turns, () => {
        now += 3;
        done.push(n);
      });
    }
    expect(done).toEqual([1, 2]);
    await turn();
    expect(done).toEqual([1, 2, 3]);
  });

  test('take() takes nothing off a turn for work of which nothing is left to do', async () => {
    const turns = new Turns(2, () => 0);
    const done: number[] = [];
    const gone = (): boolean => false;
    for (let n = 1; n <= 1000; n++) turns.take({}, gone, 1);
    for (let n = 1; n <= 3; n++) turns.take({}, () => done.push(n), 1);
    expect(done).toEqual([1, 2]);
    for (let n = 1; n <= 1000; n++) turns.take({}, gone, 1);
    turns.take({}, () => done.push(4), 1);
    await turn();
    expect(done).toEqual([1, 2, 3, 4]);
  });
});
