import { describe, test } from '@jest/globals';
import { within } from './deadline.ts';

/**
 * Waits until all runtimes have come to the same line, does something once for all of them, and lets
 * all of them go on with what that gave.
 *
 * @param actionMs how long that may take by itself, where it is minutes
 */
export type Meet = <T>(action: () => Promise<T>, actionMs?: number) => Promise<T>;

/** Includes what the others do until they come, and an action that does not take long. */
const MEET_MS = 240_000;

/**
 * Registers a case for every runtime; they go through it side by side, because what is done to a
 * Kafka, and what it takes until that is told and mended, costs the same time for one and for all.
 *
 * @param run goes to the same meetings on every runtime, up to its end
 */
export function testSideBySide<R extends { readonly name: string }>(
  runtimes: readonly R[],
  title: string,
  run: (runtime: R, meet: Meet) => Promise<void>,
  ms?: number,
): void {
  let all: Promise<PromiseSettledResult<void>[]> | null = null;
  for (const [n, { name }] of runtimes.entries()) {
    describe(`on ${name}`, () => {
      test(
        title,
        async () => {
          all ??= runAll(runtimes, run);
          const outcome = (await all)[n]!;
          if (outcome.status === 'rejected') throw outcome.reason;
        },
        ms,
      );
    });
  }
}

function runAll<R>(
  runtimes: readonly R[],
  run: (runtime: R, meet: Meet) => Promise<void>,
): Promise<PromiseSettledResult<void>[]> {
  const meeting = new Meeting(runtimes.length);
  const each = async (runtime: R): Promise<void> => {
    try {
      await run(runtime, (action, actionMs) => meeting.meet(action, actionMs));
      meeting.leave();
    } catch (error) {
      meeting.cancel();
      throw error;
    }
  };
  return Promise.allSettled(runtimes.map(each));
}

class Meeting {
  #size: number;
  #isCancelled = false;
  #waiting: { action: () => Promise<unknown>; go: (done: Promise<unknown>) => void }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  meet<T>(action: () => Promise<T>, actionMs = 0): Promise<T> {
    const done = new Promise<unknown>((go) => this.#waiting.push({ action, go }));
    this.#look();
    const label = 'the other runtimes, and what is done for all of them';
    return within(label, done as Promise<T>, MEET_MS + actionMs);
  }

  /** One has come to its end. */
  leave(): void {
    this.#size--;
    this.#look();
  }

  /** One has failed: the others shall not wait for it. */
  cancel(): void {
    this.#isCancelled = true;
    this.#look();
  }

  #look(): void {
    const isComplete = this.#waiting.length === this.#size;
    if (this.#waiting.length === 0 || !(isComplete || this.#isCancelled)) return;
    const [first] = this.#waiting;
    const done = this.#isCancelled
      ? Promise.reject(new Error('another runtime failed before'))
      : first!.action();
    for (const { go } of this.#waiting.splice(0)) go(done);
  }
}
