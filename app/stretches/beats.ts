import type { Beat } from '../views/pace.ts';

/** Beats that are due within so many milliseconds of each other are one. */
const STEP_MS = 10;

interface TimedBeat extends Beat {
  isDue: boolean;
}

/** The beats that are to come, one timer for all. */
export class Beats {
  readonly #wake: (beat: Beat) => void;
  /** By when they are due, in steps of `performance.now()`. */
  readonly #beats = new Map<number, TimedBeat>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What the timer is for. */
  #step = Number.POSITIVE_INFINITY;

  /** @param wake is told of each once it is due */
  constructor(wake: (beat: Beat) => void) {
    this.#wake = wake;
  }

  /** The one that is due in so many milliseconds, never earlier. */
  after(milliseconds: number): Beat {
    const step = Math.ceil((performance.now() + milliseconds) / STEP_MS);
    const known = this.#beats.get(step);
    if (known !== undefined) return known;
    const beat = { isDue: false, dueAt: step * STEP_MS };
    this.#beats.set(step, beat);
    if (step < this.#step) this.#time(step);
    return beat;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#beats.clear();
  }

  #time(step: number): void {
    clearTimeout(this.#timer);
    this.#step = step;
    if (step === Number.POSITIVE_INFINITY) return;
    const milliseconds = Math.max(0, step * STEP_MS - performance.now());
    this.#timer = setTimeout(() => this.#onTime(), Math.ceil(milliseconds));
  }

  #onTime(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    const due: TimedBeat[] = [];
    for (const [step, beat] of this.#beats) {
      if (step * STEP_MS <= now) {
        this.#beats.delete(step);
        due.push(beat);
      } else next = Math.min(next, step);
    }
    // Before anybody is woken, who may ask for another.
    this.#time(next);
    for (const beat of due) {
      beat.isDue = true;
      this.#wake(beat);
    }
  }
}
