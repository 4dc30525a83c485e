import { Beats } from './beats.ts';

/** A client that waits. */
interface Sleeper {
  /** Whether it waits for the feed to come to where it is. */
  readonly isAhead: boolean;
  /** Ends the wait. Never throws. */
  wake(): void;
}

/** What some clients wait for alone: the records that their filter chooses, or a beat. */
type Choice = object;

/** The clients that have all there is, and wait for the feed's next records. */
export class Sleepers {
  #all = new Set<Sleeper>();
  /** Those who wait for what is chosen for them alone. */
  #choosy = new Map<Choice, Set<Sleeper>>();
  readonly beats: Beats = new Beats((beat) => this.#wakeChosen(beat));

  get size(): number {
    let size = this.#all.size;
    for (const sleepers of this.#choosy.values()) size += sleepers.size;
    return size;
  }

  /** Whether somebody waits, and nobody but for a beat. */
  get awaitBeats(): boolean {
    let waits = false;
    for (const [choice, sleepers] of this.#choosy) {
      if (sleepers.size === 0) continue;
      if (!('dueAt' in choice)) return false;
      waits = true;
    }
    return waits && this.#all.size === 0;
  }

  /** @param choice what it waits for; `null` for whatever comes */
  add(sleeper: Sleeper, choice: Choice | null = null): void {
    if (choice === null) {
      this.#all.add(sleeper);
      return;
    }
    const sleepers = this.#choosy.get(choice);
    if (sleepers === undefined) this.#choosy.set(choice, new Set([sleeper]));
    else sleepers.add(sleeper);
  }

  /** @param choice as it was added with; it has to be called once the client waits no more */
  delete(sleeper: Sleeper, choice: Choice | null = null): void {
    if (choice === null) this.#all.delete(sleeper);
    const sleepers = choice === null ? undefined : this.#choosy.get(choice);
    sleepers?.delete(sleeper);
    if (sleepers?.size === 0) this.#choosy.delete(choice!);
  }

  wakeAll(): void {
    const choosy = this.#choosy;
    this.#choosy = new Map();
    this.#wakeThose();
    for (const sleepers of choosy.values()) for (const sleeper of sleepers) sleeper.wake();
  }

  /**
   * Wakes those who wait for whatever comes, and those who wait for one of these.
   * @returns how many
   */
  wakeFor(choices: Iterable<Choice>): number {
    let count = this.#wakeThose();
    for (const choice of choices) count += this.#wakeChosen(choice);
    return count;
  }

  /** Those ahead of the feed hear of a cut before the feed comes that far. */
  wakeAhead(): void {
    for (const sleepers of [this.#all, ...this.#choosy.values()]) {
      for (const sleeper of [...sleepers].filter(({ isAhead }) => isAhead)) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    }
  }

  #wakeChosen(choice: Choice): number {
    const sleepers = this.#choosy.get(choice);
    if (sleepers === undefined) return 0;
    // It stays for those who wait again, which nearly all do.
    const sleeping = [...sleepers];
    sleepers.clear();
    for (const sleeper of sleeping) sleeper.wake();
    return sleeping.length;
  }

  #wakeThose(): number {
    const sleeping = this.#all;
    // Who has nothing to take waits again.
    this.#all = new Set();
    for (const sleeper of sleeping) sleeper.wake();
    return sleeping.size;
  }
}
