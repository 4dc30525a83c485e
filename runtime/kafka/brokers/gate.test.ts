import { expect, test } from '@jest/globals';
import { within } from '../../../test/support/deadline.ts';
import { Gate } from './gate.ts';

/** Actions that the test ends, in the order in which they were begun. */
function actions(gate: Gate) {
  const begun: number[] = [];
  const ends: ((how: 'done' | 'failed') => void)[] = [];
  const pass = (n: number): Promise<number> =>
    gate.pass(() => {
      begun.push(n);
      return new Promise((resolve, reject) =>
        ends.push((how) => (how === 'done' ? resolve(n) : reject(new Error(how)))),
      );
    });
  return { begun, ends, pass };
}

test('Gate.pass() lets so many through at once, and the next ones in their order', async () => {
  const { begun, ends, pass } = actions(new Gate(2));
  const all = [1, 2, 3, 4].map(pass);
  expect(begun).toEqual([1, 2]);
  ends[1]!('done');
  await within('the second', all[1]!);
  expect(begun).toEqual([1, 2, 3]);
  ends[0]!('failed');
  await expect(within('the first', all[0]!)).rejects.toThrow('failed');
  expect(begun).toEqual([1, 2, 3, 4]);
});

test('Gate.alone() waits for those before, and lets nobody in beside it', async () => {
  const gate = new Gate(2);
  const { begun, ends, pass } = actions(gate);
  const before = [1, 2, 3].map(pass);
  let end = (): void => {};
  const alone = gate.alone(() => {
    begun.push(0);
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  const after = pass(4);
  ends[0]!('done');
  await within('the first', before[0]!);
  ends[1]!('done');
  await within('the second', before[1]!);
  expect(begun).toEqual([1, 2, 3]);
  ends[2]!('done');
  await within('the third', before[2]!);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([1, 2, 3, 0]);
  end();
  await within('the one alone', alone);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([1, 2, 3, 0, 4]);
  ends[3]!('done');
  await within('the last', after);
});

test('Gate.pass() lets 20,000 through of which each fails at once, on a stack of its own', async () => {
  const gate = new Gate(1);
  const refused = (): Promise<never> => Promise.reject(new Error('refused'));
  const all = Array.from({ length: 20_000 }, () => gate.pass(refused));
  const ended = await within('all of them', Promise.allSettled(all));
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true);
});
