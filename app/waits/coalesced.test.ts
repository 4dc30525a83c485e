import { describe, expect, test } from '@jest/globals';
import { within } from '../../test/support/deadline.ts';
import { coalesced } from './coalesced.ts';

const REFUSED = new Error('refused');

/** Asks through coalesced(); the test gives the answers, in the order they are asked for. */
class Oracle {
  readonly question = coalesced(() => this.#ask());
  readonly #open: { answer(value: number): void; fail(error: Error): void }[] = [];
  #asked = 0;

  #ask(): Promise<number> {
    this.#asked++;
    return new Promise((answer, fail) => this.#open.push({ answer, fail }));
  }

  /** How often it was asked, once all that can go on by itself has done so. */
  async asked(): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#asked;
  }

  answer(value: number): void {
    this.#open.shift()!.answer(value);
  }

  fail(error: Error): void {
    this.#open.shift()!.fail(error);
  }
}

describe('coalesced()', () => {
  test('coalesced() asks at once where nothing is under way', async () => {
    const oracle = new Oracle();
    const first = oracle.question();
    expect(await oracle.asked()).toBe(1);
    oracle.answer(1);
    expect(await within('the first answer', first)).toBe(1);

    const second = oracle.question();
    expect(await oracle.asked()).toBe(2);
    oracle.answer(2);
    expect(await within('the second answer', second)).toBe(2);
  });

  test('coalesced() gives all who come meanwhile one answer, asked for after that', async () => {
    const oracle = new Oracle();
    const first = oracle.question();
    const early = oracle.question();
    expect(await oracle.asked()).toBe(1);
    const late = oracle.question();
    oracle.answer(1);
    expect(await within('the first answer', first)).toBe(1);
    expect(await oracle.asked()).toBe(2);

    oracle.answer(2);
    expect(await within('the shared answer', Promise.all([early, late]))).toEqual([2, 2]);
    expect(await oracle.asked()).toBe(2);
  });

  test('coalesced() asks again for who comes while the shared one is under way', async () => {
    const oracle = new Oracle();
    const first = oracle.question();
    const second = oracle.question();
    oracle.answer(1);
    expect(await oracle.asked()).toBe(2);
    const third = oracle.question();
    expect(await oracle.asked()).toBe(2);

    oracle.answer(2);
    expect(await oracle.asked()).toBe(3);
    oracle.answer(3);
    const answers = Promise.all([first, second, third]);
    expect(await within('the answers', answers)).toEqual([1, 2, 3]);
  });

  test('coalesced() asks the next where the one under way fails', async () => {
    const oracle = new Oracle();
    const first = oracle.question();
    const second = oracle.question();
    oracle.fail(REFUSED);
    await expect(within('the failure', first)).rejects.toBe(REFUSED);
    expect(await oracle.asked()).toBe(2);
    oracle.answer(2);
    expect(await within('the second answer', second)).toBe(2);
  });

  test('coalesced() fails all who share a question that fails, and nobody after them', async () => {
    const oracle = new Oracle();
    const first = oracle.question();
    const shared = [oracle.question(), oracle.question()];
    oracle.answer(1);
    expect(await within('the first answer', first)).toBe(1);
    expect(await oracle.asked()).toBe(2);
    const last = oracle.question();
    oracle.fail(REFUSED);
    for (const answer of shared) {
      await expect(within('the failure', answer)).rejects.toBe(REFUSED);
    }
    expect(await oracle.asked()).toBe(3);
    oracle.answer(3);
    expect(await within('the last answer', last)).toBe(3);
  });

  test('coalesced() has one question under way, when who has an answer asks again at once', async () => {
    const oracle = new Oracle();
    const again = oracle.question().then(() => oracle.question());
    const waiting = oracle.question();
    oracle.answer(1);
    expect(await oracle.asked()).toBe(2);
    oracle.answer(2);
    expect(await within('the shared answer', Promise.all([again, waiting]))).toEqual([2, 2]);
    expect(await oracle.asked()).toBe(2);
  });
});
