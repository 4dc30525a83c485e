import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logged } from '../../../test/support/logged.ts';
import { NoTokenError, type Token, TokenSource } from './token_source.ts';

const LIFE_MS = 30_000;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A server that gives a new token each time, or is down. */
function server() {
  const state = { isUp: true, asked: 0 };
  const source = new TokenSource(async () => {
    state.asked++;
    if (!state.isUp) throw new Error('connect ECONNREFUSED');
    return { value: `token ${state.asked}`, expiresAt: Date.now() + LIFE_MS };
  });
  const got: string[] = [];
  let last: Token | null = null;
  /** Takes each token that comes. */
  const follow = (signal = new AbortController().signal): void =>
    source.next(last, signal, (token) => {
      last = token;
      got.push(token.value);
      follow(signal);
    });
  return { state, source, got, follow };
}

const pass = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

describe('TokenSource', () => {
  test('TokenSource.get() asks once for all, and again after three fifths of its life', async () => {
    const { state, source } = server();
    const all = await Promise.all([source.get(), source.get(), source.get()]);
    expect(all.map(({ value }) => value)).toEqual(['token 1', 'token 1', 'token 1']);
    await pass(17_000);
    expect((await source.get()).value).toBe('token 1');
    await pass(2000);
    expect((await source.get()).value).toBe('token 2');
    expect(state.asked).toBe(2);
  });

  test('TokenSource.get() gives the last one while nobody gives another, up to its end', async () => {
    using logged = new Logged();
    const { state, source } = server();
    await source.get();
    state.isUp = false;
    await pass(28_000);
    expect((await source.get()).value).toBe('token 1');
    await pass(1500);
    const refused = await source.get().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NoTokenError);
    expect((refused as Error).message).toBe('no token for the brokers: connect ECONNREFUSED');
    state.isUp = true;
    await pass(5000);
    expect((await source.get()).value).toMatch(/^token /);
    const lines = logged.lines.map((line) => line.replace(/^.*?: /, ''));
    expect(lines.filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('a token for the brokers again'))).toHaveLength(1);
  });

  test('TokenSource.get() does not ask faster the more often it is called', async () => {
    const { state, source } = server();
    state.isUp = false;
    for (let n = 0; n < 1000; n++) {
      await source.get().catch(() => {});
      await pass(10);
    }
    // 250 ms, 500 ms, 1 s, 2 s, 4 s.
    expect(state.asked).toBeLessThan(8);
  });

  test('TokenSource.next() waits for another token, however long, and tells each once', async () => {
    const { state, got, follow } = server();
    follow();
    await pass(0);
    expect(got).toEqual(['token 1']);
    await pass(18_000);
    expect(got).toEqual(['token 1', 'token 2']);
    state.isUp = false;
    await pass(120_000);
    expect(got).toHaveLength(2);
    state.isUp = true;
    await pass(5000);
    expect(got).toHaveLength(3);
  });

  test('TokenSource.next() calls nobody who has left', async () => {
    const { got, follow } = server();
    const left = new AbortController();
    follow(left.signal);
    await pass(0);
    left.abort();
    await pass(60_000);
    expect(got).toEqual(['token 1']);
    follow(left.signal);
    await pass(60_000);
    expect(got).toEqual(['token 1']);
  });

  test('TokenSource.refused() has another one asked for, but not of each token that is new', async () => {
    const { state, source } = server();
    source.refused(await source.get());
    expect((await source.get()).value).toBe('token 1');
    await pass(5000);
    source.refused(await source.get());
    expect((await source.get()).value).toBe('token 1');
    await pass(1);
    const second = await source.get();
    expect(second.value).toBe('token 2');
    source.refused({ value: 'token 1', expiresAt: LIFE_MS });
    expect(await source.get()).toBe(second);
    expect(state.asked).toBe(2);
  });

  test('TokenSource looks again where a token is still the same', async () => {
    const token = { value: 'same', expiresAt: 20_000 };
    let asked = 0;
    const source = new TokenSource(async () => {
      asked++;
      return token;
    });
    expect(await source.get()).toEqual(token);
    await pass(18_000);
    expect(asked).toBeGreaterThan(2);
    expect(asked).toBeLessThan(8);
    expect(await source.get()).toEqual(token);
    await pass(2000);
    await expect(source.get()).rejects.toThrow('it is over already');
  });
});
