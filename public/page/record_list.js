import { RecordQueue } from './record_queue.js';
import { matches } from './text_filter.js';

/** @import { StreamRecord } from './stream_record.js' */

/** What a tab keeps that stays open for a day: the newest, as many as fit both. */
const MAX_RECORDS = 10_000;
const MAX_CHARACTERS = 32_000_000;

/** The newest records, newest first; a filter says which of them show. */
export class RecordList {
  #kept = new RecordQueue();
  #characters = 0;
  /** The same queue while there is no filter. */
  #shown = this.#kept;
  #filter = '';
  #total = 0;

  /** How many show. */
  get length() {
    return this.#shown.length;
  }

  /** How many are kept, whether they show or not. */
  get kept() {
    return this.#kept.length;
  }

  /** How many came, those that are no longer kept included. */
  get total() {
    return this.#total;
  }

  /** @param {StreamRecord} record */
  add(record) {
    this.#total++;
    this.#kept.push(record);
    this.#characters += sizeOf(record);
    const isFiltered = this.#shown !== this.#kept;
    if (isFiltered && matches(record, this.#filter)) this.#shown.push(record);
    while (this.#isFull()) {
      const gone = /** @type {StreamRecord} */ (this.#kept.shift());
      this.#characters -= sizeOf(gone);
      if (isFiltered && this.#shown.at(0) === gone) this.#shown.shift();
    }
  }

  /** @param {number} index 0 is the newest */
  at(index) {
    return this.#shown.at(this.#shown.length - 1 - index);
  }

  /** @param {StreamRecord} record */
  indexOf(record) {
    const index = this.#shown.indexOf(record.number);
    return index === -1 ? -1 : this.#shown.length - 1 - index;
  }

  /** @param {string} text empty: all show */
  setFilter(text) {
    this.#filter = text;
    this.#shown = text === '' ? this.#kept : this.#kept.filter((record) => matches(record, text));
  }

  clear() {
    this.#kept = new RecordQueue();
    this.#characters = 0;
    this.#total = 0;
    this.setFilter(this.#filter);
  }

  /** One that stays as it is while this one goes on. */
  copy() {
    const copy = new RecordList();
    copy.#kept = this.#kept.filter(() => true);
    copy.#characters = this.#characters;
    copy.#total = this.#total;
    copy.setFilter(this.#filter);
    return copy;
  }

  /** The newest stays, however large. */
  #isFull() {
    const { length } = this.#kept;
    return length > MAX_RECORDS || (this.#characters > MAX_CHARACTERS && length > 1);
  }
}

/** @param {StreamRecord} record */
function sizeOf({ key, value }) {
  return (key?.length ?? 0) + value.length;
}
