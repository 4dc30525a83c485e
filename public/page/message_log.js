/** The console costs more than all else that is done with a message, and a replay has many a second. */
const MOST_A_SECOND = 1000;

/** Messages on the browser's console: each, as long as there are not too many. */
export class MessageLog {
  #second = 0;
  #count = 0;

  /**
   * @param {string} type
   * @param {string} text
   * @param {number} now milliseconds
   */
  add(type, text, now) {
    this.settle(now);
    if (this.#count < MOST_A_SECOND) console.log(type, text);
    this.#count++;
  }

  /**
   * Says how many were left out, once their second is over.
   * @param {number} now
   */
  settle(now) {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    const leftOut = this.#count - MOST_A_SECOND;
    if (leftOut > 0) console.log(`${leftOut} more messages in the same second`);
    this.#second = second;
    this.#count = 0;
  }
}
