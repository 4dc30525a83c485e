/**
 * What one client got, held against what was written: the sequence numbers in the values tell.
 * Nothing here counts by time.
 *
 * @module
 */

/**
 * What a client makes of the records that it gets.
 *
 * @typedef {object} Account
 * @property {number} lost
 * @property {number} doubled
 * @property {(value: any) => void} take
 * @property {() => boolean} look whether all is there that had been written when it last looked
 */

/**
 * Of all prices, a compacted topic: of a price that changes again before a client has it, Kafka need
 * not keep what it was. So a change is lost once the client has what was written after it, and lacks
 * it although it is still the latest. One partition, hence one order of all changes.
 *
 * @implements {Account}
 */
export class PriceAccount {
  lost = 0;
  doubled = 0;
  /** The last change that came. */
  #position = 0;
  #mark = 0;
  /** @type {Map<string, number>} */
  #had = new Map();
  #written;

  /** @param {ReadonlyMap<string, number>} written the latest change of each price */
  constructor(written) {
    this.#written = written;
  }

  /** @param {{ symbol: string, seq: number }} value */
  take({ symbol, seq }) {
    if (seq <= (this.#had.get(symbol) ?? 0)) this.doubled++;
    else this.#had.set(symbol, seq);
    this.#position = Math.max(this.#position, seq);
  }

  look() {
    const isThere = this.#position >= this.#mark;
    for (const [symbol, seq] of this.#written) {
      this.#mark = Math.max(this.#mark, seq);
      if (seq > this.#position || seq === this.#had.get(symbol)) continue;
      this.lost++;
      this.#had.set(symbol, seq);
    }
    return isThere;
  }
}

/**
 * Of one order, by the key of its events in a topic that keeps all of them: each comes once, in order.
 *
 * @implements {Account}
 */
export class OrderAccount {
  lost = 0;
  doubled = 0;
  #last = 0;
  #mark = 0;
  #written;
  #order;

  /**
   * @param {ReadonlyMap<string, number>} written how many events each order had
   * @param {string} order
   */
  constructor(written, order) {
    this.#written = written;
    this.#order = order;
  }

  /** @param {{ seq: number }} value */
  take({ seq }) {
    if (seq <= this.#last) this.doubled++;
    else this.lost += seq - this.#last - 1;
    this.#last = Math.max(this.#last, seq);
  }

  look() {
    const isThere = this.#last >= this.#mark;
    this.#mark = this.#written.get(this.#order) ?? 0;
    return isThere;
  }
}
