import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Questions } from './questions.ts';

const AT_ONCE = 3;

interface Round {
  readonly keys: readonly number[];
  answer(answers: ReadonlyMap<number, string>): Promise<void>;
  fail(): Promise<void>;
}

/** Questions whose rounds the test answers. */
function questions() {
  const rounds: Round[] = [];
  const closing = new AbortController();
  const asked = new Questions<number, string>({
    ask: (keys) =>
      new Promise((resolve, reject) => {
        rounds.push({
          keys,
          answer: (answers) => settled(() => resolve(answers)),
          fail: () => settled(() => reject(new Error('no answer'))),
        });
      }),
    atOnce: AT_ONCE,
    signal: closing.signal,
  });
  const got: [string, string][] = [];
  const ask = (who: string, key: number): (() => void) =>
    asked.ask(key, (answer) => got.push([who, answer]));
  return { rounds, closing, ask, got };
}

/** Lets all that follows happen. */
async function settled(action: () => void): Promise<void> {
  action();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

function answersTo({ keys }: Round): Map<number, string> {
  return new Map(keys.map((key) => [key, `of ${key}`]));
}

describe('Questions.ask()', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test('Questions.ask() makes one question of equal ones, asked for after they came', async () => {
    const { rounds, ask, got } = questions();
    ask('a', 1);
    ask('b', 1);
    ask('c', 1);
    expect(rounds.map(({ keys }) => keys)).toEqual([[1]]);
    await rounds[0]!.answer(new Map([[1, 'first']]));
    expect(got).toEqual([['a', 'first']]);
    expect(rounds[1]?.keys).toEqual([1]);
    await rounds[1]!.answer(new Map([[1, 'second']]));
    expect(got.slice(1)).toEqual([
      ['b', 'second'],
      ['c', 'second'],
    ]);
    expect(rounds).toHaveLength(2);
  });

  test('Questions.ask() asks so many different ones at once, in the order in which they came', async () => {
    const { rounds, ask, got } = questions();
    for (let key = 0; key < 8; key++) ask('client', key);
    for (const round of rounds) await round.answer(answersTo(round));
    expect(rounds.map(({ keys }) => keys)).toEqual([[0], [1, 2, 3], [4, 5, 6], [7]]);
    expect(got).toHaveLength(8);
  });

  test('Questions.ask() asks nothing for those who have left', async () => {
    const { rounds, ask, got } = questions();
    const leaves = [ask('a', 1), ask('b', 2), ask('c', 2), ask('d', 3)];
    for (const n of [0, 1, 2]) leaves[n]!();
    await rounds[0]!.answer(answersTo(rounds[0]!));
    expect(rounds[1]?.keys).toEqual([3]);
    await rounds[1]!.answer(answersTo(rounds[1]!));
    expect(got).toEqual([['d', 'of 3']]);
  });

  test('Questions.ask() asks again what could not be answered, behind the others', async () => {
    jest.useFakeTimers();
    const { rounds, ask, got } = questions();
    ask('a', 1);
    const leave = ask('b', 2);
    await rounds[0]!.fail();
    leave();
    ask('c', 3);
    ask('d', 4);
    ask('e', 5);
    expect(rounds).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1000);
    expect(rounds[1]?.keys).toEqual([1, 3, 4]);
    const { keys } = rounds[1]!;
    await rounds[1]!.answer(new Map(keys.slice(1).map((key) => [key, `of ${key}`])));
    await jest.advanceTimersByTimeAsync(1000);
    expect(rounds[2]?.keys).toEqual([5, 1]);
    await rounds[2]!.answer(answersTo(rounds[2]!));
    expect(got.map(([who]) => who)).toEqual(['c', 'd', 'e', 'a']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('Questions.ask() tells the others when one who asked is in trouble', async () => {
    const { rounds, ask, got } = questions();
    ask('a', 1);
    const asked = new Questions<number, string>({
      ask: (keys) => Promise.resolve(new Map(keys.map((key) => [key, 'answer']))),
      atOnce: 2,
      signal: new AbortController().signal,
    });
    asked.ask(7, () => {
      throw new Error('trouble');
    });
    asked.ask(8, (answer) => got.push(['b', answer]));
    await settled(() => {});
    await rounds[0]!.answer(answersTo(rounds[0]!));
    expect(got).toEqual([
      ['b', 'answer'],
      ['a', 'of 1'],
    ]);
  });

  test('Questions.ask() asks and tells nothing once the signal aborts', async () => {
    const { rounds, closing, ask, got } = questions();
    ask('a', 1);
    ask('b', 2);
    closing.abort();
    await rounds[0]!.answer(answersTo(rounds[0]!));
    ask('c', 3);
    expect(got).toEqual([]);
    expect(rounds).toHaveLength(1);
  });
});
