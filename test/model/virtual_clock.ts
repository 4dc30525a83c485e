/** Something that is to happen at a time. */
export interface Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

/** When every clock begins. */
export const START = 1_700_000_000_000;

/** What the runtime computes in threads of its own. */
const IN_THREADS = ['digest', 'importKey', 'exportKey', 'sign', 'verify'] as const;

/**
 * Time that passes only when nothing is left to do: timers go off one by one in their order, and
 * each has had all its effects before the next, signatures and the like among them. A run depends on nothing but
 * the delays asked for.
 */
export class VirtualClock {
  /** Unix milliseconds. */
  now = START;
  /** A binary heap: the timer that goes off next comes first. */
  readonly #timers: Timer[] = [];
  #order = 0;
  readonly #inThreads = new Set<Promise<unknown>>();

  readonly setTimeout = (run: () => void, milliseconds = 0): Timer => {
    const timer = { at: this.now + Math.max(0, milliseconds), order: this.#order++, run };
    this.#push(timer);
    return timer;
  };

  readonly clearTimeout = (timer: Timer | undefined): void => {
    if (timer !== undefined) timer.run = null;
  };

  /** Rejects with the signal's reason when it aborts first. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        timer.run = null;
        reject(signal.reason);
      };
      const timer = this.setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, milliseconds);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets time pass up to `until`, or until `isDone`. */
  async advance(until: number, isDone: () => boolean = () => false): Promise<void> {
    await this.#effects();
    while (!isDone()) {
      const timer = this.#timers[0];
      if (timer === undefined || timer.at > until) {
        this.now = until;
        return;
      }
      this.#pop();
      if (timer.run === null) continue;
      this.now = timer.at;
      timer.run();
      await this.#effects();
    }
  }

  /** Puts the clock in the place of the runtime's timers. @returns how to undo it */
  install(): () => void {
    const { setTimeout, clearTimeout } = globalThis;
    const { timeout } = AbortSignal;
    const { now } = Date;
    const { now: performanceNow } = performance;
    performance.now = () => this.now - START;
    Date.now = () => Math.floor(this.now);
    Object.assign(globalThis, { setTimeout: this.setTimeout, clearTimeout: this.clearTimeout });
    const { subtle } = crypto;
    for (const name of IN_THREADS) this.#waitFor(subtle, name);
    AbortSignal.timeout = (milliseconds) => {
      const controller = new AbortController();
      this.setTimeout(() => controller.abort(new Error('timeout')), milliseconds);
      return controller.signal;
    };
    return () => {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      for (const name of IN_THREADS) Reflect.deleteProperty(subtle, name);
      AbortSignal.timeout = timeout;
      Date.now = now;
      performance.now = performanceNow;
    };
  }

  async #effects(): Promise<void> {
    await effects();
    while (this.#inThreads.size > 0) {
      await Promise.allSettled(this.#inThreads);
      await effects();
    }
  }

  /** Time does not pass while it is at work. */
  #waitFor(subtle: SubtleCrypto, name: (typeof IN_THREADS)[number]): void {
    const call = subtle[name].bind(subtle) as (...args: unknown[]) => Promise<unknown>;
    const counted = (...args: unknown[]): Promise<unknown> => {
      const result = call(...args);
      const over = (): boolean => this.#inThreads.delete(result);
      this.#inThreads.add(result);
      result.then(over, over);
      return result;
    };
    Object.defineProperty(subtle, name, { value: counted, configurable: true });
  }

  #push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, timers[parent]!)) break;
      timers[at] = timers[parent]!;
      at = parent;
    }
    timers[at] = timer;
  }

  #pop(): void {
    const timers = this.#timers;
    const last = timers.pop()!;
    if (timers.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      const right = timers[child + 1];
      if (right !== undefined && isBefore(right, timers[child]!)) child++;
      if (!isBefore(timers[child]!, last)) break;
      timers[at] = timers[child]!;
      at = child;
    }
    timers[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Ends once every promise that can settle has: a tick asked for by a promise comes after them all. */
function effects(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
