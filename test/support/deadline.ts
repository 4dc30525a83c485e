import { timed } from './times.ts';

/**
 * How long a wait lasts before it counts as a hang, in milliseconds: no measure of speed, and enough
 * where ten programs want each core. A case as a whole has longer (`testTimeout`).
 */
export const DEADLINE_MS = 90_000;
/** Pauses between questions grow: most are answered soon, and each costs both sides something. */
const FIRST_POLL_MS = 20;
const LAST_POLL_MS = 200;

/** A wait's label, or what gives it once the wait has failed and there is more to tell. */
export type Label = string | (() => string);

/**
 * The promise's outcome.
 * @throws an error that says what was waited for, when that takes too long.
 */
export async function within<T>(label: Label, promise: Promise<T>, ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${textOf(label)}`)), ms);
  });
  try {
    return await timed('other', label, () => Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is something; for what cannot be listened to. */
export async function eventually<T>(
  label: Label,
  ask: () => Promise<T | null | false>,
  ms = DEADLINE_MS,
): Promise<T> {
  let over = false;
  const asking = async (): Promise<T> => {
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 1.2, LAST_POLL_MS)) {
      const answer = await ask();
      if (answer !== null && answer !== false) return answer;
      if (over) throw new Error('asked for too long');
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  try {
    return await within(label, asking(), ms);
  } finally {
    over = true;
  }
}

/** Something that grows, a program's output or a stream: waits until there is enough of it. */
export class Growth {
  readonly #waiting = new Set<() => void>();

  /** To be called after each change. */
  changed(): void {
    for (const check of this.#waiting) check();
  }

  /** The first answer of `look` that is something; asked now and after each change. */
  until<T>(label: Label, look: () => T | null | false, ms?: number): Promise<T> {
    let check = (): void => {};
    const found = new Promise<T>((resolve, reject) => {
      check = () => {
        try {
          const answer = look();
          if (answer !== null && answer !== false) resolve(answer);
        } catch (error) {
          reject(error);
        }
      };
    });
    this.#waiting.add(check);
    check();
    return within(label, found, ms).finally(() => this.#waiting.delete(check));
  }
}

function textOf(label: Label): string {
  return typeof label === 'string' ? label : label();
}
