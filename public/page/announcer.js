/** So seldom is a count told: a screen reader is to say it, not to talk without end. */
const COUNT_EVERY_MS = 10_000;

/** Tells a screen reader what others see: a new state at once, the count now and then. */
export class Announcer {
  #element;
  #state = '';
  #count = 0;
  #toldAt = 0;

  /** @param {HTMLElement} element a polite live region */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} words */
  tellState(words) {
    if (words === this.#state) return;
    this.#state = words;
    this.#element.textContent = words;
  }

  /**
   * @param {number} count
   * @param {number} now milliseconds
   */
  tellCount(count, now) {
    if (count === this.#count || now - this.#toldAt < COUNT_EVERY_MS) return;
    this.#count = count;
    this.#toldAt = now;
    this.#element.textContent = `${this.#state}, ${count} records`;
  }
}
