import type { Log, LogEnd } from '../log/log.ts';
import type { Beat, Pace } from '../views/pace.ts';
import type { Beats } from './beats.ts';
import type { Stretch } from './stretch.ts';

/** To wake the clients of a beat one after the other takes so long, at the most. */
const TURN_MS = 50;

/**
 * How one client keeps to the beats of its view. At a beat it gets all that the log had when it began, and
 * then nothing before the next one. Nothing is kept for it meanwhile: what is superseded dies in the log.
 */
export class Pacing {
  readonly #pace: Pace;
  readonly #beats: Beats;
  /** Before this one it gets nothing more; `null` before its first. */
  #next: Beat | null = null;
  /** Whether no other client of the view has that one. */
  #isAlone = false;
  /** The next beat of its view when it had all that it was to have: another one has begun without it. */
  #known: Beat | null = null;
  /** What it gets at the beat that it is at; `null` while it is at none. */
  #end: LogEnd | null = null;

  constructor(pace: Pace, beats: Beats) {
    this.#pace = pace;
    this.#beats = beats;
  }

  /** It has all that was there when it came, and goes on with those who have the same view. */
  begin(): void {
    this.#next = this.#pace.next;
    this.#isAlone = false;
    this.#end = null;
    this.hasAll();
  }

  /** The beat for which it has to wait; `null` where it may take. */
  awaited(stretch: Stretch, log: Log | null): Beat | null {
    const end = this.#end;
    if (end !== null && (end.log !== log || stretch.isPast(end))) this.#end = null;
    if (this.#end !== null || this.#next === null || this.#next.isDue) return null;
    this.#known = this.#pace.next;
    return this.#next;
  }

  /** It has all there is. */
  hasAll(): void {
    this.#known = this.#pace.next;
  }

  /** It got something, for which it did not have to wait: a beat begins unless it is at one. */
  got(log: Log | null): void {
    if (this.#end !== null) return;
    this.#end = log?.end() ?? null;
    const { everyMs } = this.#pace;
    if (this.#pace.next === null || this.#pace.next.isDue) {
      this.#pace.next = this.#beats.after(everyMs);
    }
    const { next } = this.#pace;
    // Others have begun before it. It was not ready then, else it would have known that one.
    const isTheirs = !this.#isAlone && next !== this.#known;
    this.#isAlone = !isTheirs && next.dueAt < performance.now() + everyMs - TURN_MS;
    this.#next = this.#isAlone ? this.#beats.after(everyMs) : next;
  }
}
