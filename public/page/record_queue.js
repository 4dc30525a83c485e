/** @import { StreamRecord } from './stream_record.js' */

/** Below this it is not worth it to give the emptied places back. */
const MIN_EMPTY = 1024;

/**
 * Records in order of their numbers, taken off at the old end: an array whose `shift()` does not
 * move the rest.
 */
export class RecordQueue {
  /** @type {(StreamRecord | undefined)[]} */
  #places = [];
  #start = 0;

  get length() {
    return this.#places.length - this.#start;
  }

  /** @param {StreamRecord} record */
  push(record) {
    this.#places.push(record);
  }

  /** Takes the oldest. */
  shift() {
    if (this.length === 0) return undefined;
    const record = this.#places[this.#start];
    this.#places[this.#start++] = undefined;
    if (this.#start > MIN_EMPTY && this.#start * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#start);
      this.#start = 0;
    }
    return record;
  }

  /** @param {number} index 0 is the oldest */
  at(index) {
    return index < 0 ? undefined : this.#places[this.#start + index];
  }

  /**
   * Where the record with this number is, -1 where it is not.
   * @param {number} number
   */
  indexOf(number) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.at(middle)?.number ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return this.at(low)?.number === number ? low : -1;
  }

  /** @param {(record: StreamRecord) => boolean} isKept */
  filter(isKept) {
    const queue = new RecordQueue();
    for (let i = 0; i < this.length; i++) {
      const record = this.at(i);
      if (record !== undefined && isKept(record)) queue.push(record);
    }
    return queue;
  }
}
