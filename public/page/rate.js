const SLOT_MS = 250;
const SLOTS = 12;

/** How many a second, over the last three. */
export class Rate {
  #counts = new Array(SLOTS).fill(0);
  #slot = 0;

  /** @param {number} now milliseconds of a clock that never goes back */
  add(now) {
    this.#moveTo(now);
    this.#counts[this.#slot % SLOTS]++;
  }

  /** @param {number} now */
  perSecond(now) {
    this.#moveTo(now);
    const sum = this.#counts.reduce((all, count) => all + count, 0);
    return Math.round(sum / ((SLOT_MS * SLOTS) / 1000));
  }

  /** @param {number} now */
  #moveTo(now) {
    const slot = Math.floor(now / SLOT_MS);
    const first = Math.max(this.#slot + 1, slot - SLOTS + 1);
    for (let i = first; i <= slot; i++) this.#counts[i % SLOTS] = 0;
    this.#slot = Math.max(this.#slot, slot);
  }
}
