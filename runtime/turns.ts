type Task = () => void;

/**
 * Hands out work in portions, one a turn of the event loop, so that all else gets its turn between
 * them. Who has much waits behind who has little: of each owner one task is taken after the other.
 */
export class Turns {
  readonly #portion: number;
  readonly #waiting = new Map<object, Task[]>();
  /** What is left of the portion of the turn under way. */
  #left = 0;
  #isUnderWay = false;

  constructor(portion: number) {
    this.#portion = portion;
  }

  /** Does it at once where there is room in this turn and nothing waits, and later where not. */
  take(owner: object, task: Task): void {
    if (!this.#isUnderWay) this.#begin();
    if (this.#left > 0 && this.#waiting.size === 0) {
      this.#left--;
      task();
      return;
    }
    const tasks = this.#waiting.get(owner);
    if (tasks === undefined) this.#waiting.set(owner, [task]);
    else tasks.push(task);
  }

  #begin(): void {
    this.#isUnderWay = true;
    this.#left = this.#portion;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isUnderWay = this.#waiting.size > 0;
    if (!this.#isUnderWay) return;
    this.#begin();
    for (const [owner, tasks] of this.#waiting) {
      if (this.#left-- === 0) return;
      this.#waiting.delete(owner);
      const task = tasks.shift()!;
      // Behind all others.
      if (tasks.length > 0) this.#waiting.set(owner, tasks);
      task();
    }
  };
}
