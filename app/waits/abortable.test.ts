import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { within as withinTest } from '../../test/support/deadline.ts';
import { abortableDelay, backoff, LinkedAbort, untilAborted, within } from './abortable.ts';

describe('backoff()', () => {
  test('backoff() doubles from 250 ms up to 5 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(backoff)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  test('backoff() is never less than the first wait, nor more than 5 s', () => {
    expect([0, -1, 1e6, Number.MAX_SAFE_INTEGER].map(backoff)).toEqual([250, 250, 5000, 5000]);
  });
});

describe('abortableDelay()', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function startDelay(milliseconds: number, signal: AbortSignal) {
    const delay = { ended: false };
    abortableDelay(milliseconds, signal).then(() => {
      delay.ended = true;
    });
    return delay;
  }

  test('abortableDelay() ends after its time, and not before', async () => {
    const { signal } = new AbortController();
    const delay = startDelay(5000, signal);
    await jest.advanceTimersByTimeAsync(4999);
    expect(delay.ended).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(delay.ended).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('abortableDelay() ends at once when the signal aborts, and leaves no timer', async () => {
    const ending = new AbortController();
    const delay = startDelay(5000, ending.signal);
    await jest.advanceTimersByTimeAsync(10);
    expect(delay.ended).toBe(false);
    ending.abort(new Error('closed'));
    await jest.advanceTimersByTimeAsync(0);
    expect(delay.ended).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    expect(getEventListeners(ending.signal, 'abort')).toHaveLength(0);
  });

  test('abortableDelay() starts no timer under a signal that has aborted', async () => {
    const signal = AbortSignal.abort();
    const delay = startDelay(5000, signal);
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(0);
    expect(delay.ended).toBe(true);
  });
});

describe('untilAborted()', () => {
  const closed = new Error('closed');

  test('untilAborted() gives the value of the promise', async () => {
    const { signal } = new AbortController();
    const asked = openQuestion();
    const answer = untilAborted(asked.promise, signal);
    asked.answer('answer');
    expect(await withinTest('the answer', answer)).toBe('answer');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('untilAborted() rejects as the promise does', async () => {
    const { signal } = new AbortController();
    const refused = new Error('refused');
    const answer = untilAborted(Promise.reject(refused), signal);
    await expect(withinTest('the refusal', answer)).rejects.toBe(refused);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('untilAborted() rejects with the reason when the signal aborts first', async () => {
    const ending = new AbortController();
    const answer = untilAborted(new Promise(() => {}), ending.signal);
    ending.abort(closed);
    await expect(withinTest('the end of the wait', answer)).rejects.toBe(closed);
    expect(getEventListeners(ending.signal, 'abort')).toHaveLength(0);
  });

  test.each([
    ['answers', () => Promise.resolve('answer')],
    ['fails', () => Promise.reject(new Error('refused'))],
    ['hangs', () => new Promise(() => {})],
  ])('untilAborted() rejects under an aborted signal, where the promise %s', async (_, ask) => {
    const answer = untilAborted(ask(), AbortSignal.abort(closed));
    await expect(withinTest('the end of the wait', answer)).rejects.toBe(closed);
  });

  // An unhandled rejection would end the process, and fails this test.
  test('untilAborted() leaves a failure after the abort unheard', async () => {
    const ending = new AbortController();
    const asked = openQuestion();
    const answer = untilAborted(asked.promise, ending.signal);
    ending.abort(closed);
    await expect(withinTest('the end of the wait', answer)).rejects.toBe(closed);
    asked.fail(new Error('refused'));
    await expect(answer).rejects.toBe(closed);
  });
});

function openQuestion() {
  let answer = (_: string): void => {};
  let fail = (_: Error): void => {};
  const promise = new Promise<string>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { promise, answer, fail };
}

describe('within()', () => {
  test('within() gives the outcome, and leaves no timer and no listener', async () => {
    jest.useFakeTimers();
    try {
      const { signal } = new AbortController();
      await expect(within(Promise.resolve('answer'), 1000, signal)).resolves.toBe('answer');
      await expect(within(Promise.reject(new Error('no')), 1000, signal)).rejects.toThrow('no');
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('within() rejects after its time, and with the reason of the signal', async () => {
    const never = new Promise(() => {});
    const ending = new AbortController();
    await expect(within(never, 1, ending.signal)).rejects.toThrow('no answer in 1 ms');
    const aborted = within(never, 60_000, ending.signal);
    ending.abort(new Error('closed'));
    await expect(aborted).rejects.toThrow('closed');
  });

  test('within() and LinkedAbort leave nothing in a signal that lives long', async () => {
    const { signal } = new AbortController();
    for (let n = 0; n < 10_000; n++) {
      const linked = new LinkedAbort(signal);
      await within(Promise.resolve(), 1000, linked.signal);
      linked.letGo();
    }
    expect(entriesOf(signal)).toBe(0);
    expect(entriesOf(AbortSignal.any([signal]), signal)).toBeGreaterThan(0);
  });
});

/** Listeners of a signal, and what else hangs on it in fields that only the runtime sees. */
function entriesOf(_: AbortSignal, signal = _): number {
  const hidden = Object.getOwnPropertySymbols(signal)
    .map((symbol) => (signal as unknown as Record<symbol, unknown>)[symbol])
    .map((value) => (value as { size?: number } | null)?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
  return getEventListeners(signal, 'abort').length + hidden;
}

describe('LinkedAbort', () => {
  test('LinkedAbort aborts with each of its signals, with their reason, and by itself', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const linked = new LinkedAbort(one.signal, other.signal);
    other.abort('other');
    expect(linked.signal.reason).toBe('other');
    expect(new LinkedAbort(one.signal, other.signal).signal.reason).toBe('other');
    const alone = new LinkedAbort(one.signal);
    alone.abort('itself');
    expect(alone.signal.reason).toBe('itself');
    expect(one.signal.aborted).toBe(false);
  });

  test('LinkedAbort does not hear what it was let go of', () => {
    const one = new AbortController();
    const linked = new LinkedAbort(one.signal);
    linked.letGo();
    one.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});
