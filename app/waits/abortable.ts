const FIRST_MS = 250;
const MAX_MS = 5000;

/** How long to wait before the next try, in milliseconds: doubled each time, up to 5 s. */
export function backoff(failures: number): number {
  return Math.min(MAX_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
}

/** Ends after `milliseconds`, or at once when the signal aborts. */
export function abortableDelay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}

/**
 * The promise's outcome, or a rejection with the signal's reason as soon as it aborts; what is
 * under way then goes on unheard.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The same, rejecting after so many milliseconds, too. It leaves nothing in the signal. */
export function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${milliseconds} ms`)), milliseconds);
  });
  return untilAborted(Promise.race([promise, late]), signal).finally(() => clearTimeout(timer));
}

/**
 * A controller whose signal aborts with any of the others, too, until it is let go of. Each
 * `AbortSignal.any` leaves an entry in the signals it is made of, for as long as they live (Node 20).
 */
export class LinkedAbort extends AbortController {
  readonly #signals: readonly AbortSignal[];
  readonly #abort = ({ target }: Event): void => this.abort((target as AbortSignal).reason);

  constructor(...signals: AbortSignal[]) {
    super();
    this.#signals = signals;
    for (const signal of signals) {
      if (signal.aborted) this.abort(signal.reason);
      signal.addEventListener('abort', this.#abort);
    }
  }

  letGo(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort);
  }
}

/** Asks until there is an answer; `null` once the signal aborts. */
export async function untilAnswered<T>(
  question: () => Promise<T>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<T | null> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await question();
    } catch (error) {
      onError(error);
      await abortableDelay(backoff(++failures), signal);
    }
  }
  return null;
}
