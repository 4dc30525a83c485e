import { Rate } from './rate.js';
import { RecordList } from './record_list.js';
import { RecordTable } from './record_table.js';
import { readRecord } from './stream_record.js';

/** After these the stream goes on as for a new client: keys that it does not bring again are gone. */
const NEW_STARTS = new Set(['recreated', 'unreadable-cursor', 'deletes', 'view']);

/** All that came of a stream, as far as it is kept, and how much it was. */
export class Received {
  #list = new RecordList();
  #table = new RecordTable();
  #rate = new Rate();
  #number = 0;
  #gaps = 0;
  /** What shows during a pause. @type {{ list: RecordList, table: RecordTable } | null} */
  #held = null;

  /** What is to be shown: what there is, or was when the pause began. */
  get shown() {
    return this.#held ?? { list: this.#list, table: this.#table };
  }

  get isPaused() {
    return this.#held !== null;
  }

  /** How many came since the pause began. */
  get waiting() {
    return this.#held === null ? 0 : this.#list.total - this.#held.list.total;
  }

  get records() {
    return this.#list.total - this.#gaps;
  }

  get gaps() {
    return this.#gaps;
  }

  get keys() {
    return this.#table.keys;
  }

  /** @param {number} now of a clock that never goes back, in milliseconds */
  perSecond(now) {
    return this.#rate.perSecond(now);
  }

  /**
   * Takes an event of the stream.
   * @param {'message' | 'delete' | 'leave' | 'gap'} type
   * @param {string} data
   * @param {string} id
   * @param {number} now of the clock of the rate
   */
  add(type, data, id, now) {
    const arrival = { number: ++this.#number, received: Date.now(), id };
    const record = readRecord(type, data, arrival);
    this.#list.add(record);
    this.#table.add(record);
    if (type !== 'gap') this.#rate.add(now);
    else this.#gaps++;
    if (NEW_STARTS.has(record.reason)) this.#table.startOver(record.topic);
    return record;
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this.#held = isPaused ? { list: this.#list.copy(), table: this.#table.copy() } : null;
  }

  /** @param {import('./record_table.js').TableRow | null} row of the key to be watched */
  watch(row) {
    this.#table.watch(row);
    this.#held?.table.watch(row);
  }

  /** @param {string} text */
  setFilter(text) {
    for (const part of [this.#list, this.#table, this.#held?.list, this.#held?.table]) {
      part?.setFilter(text);
    }
  }

  /** Brings the table up to date, once for any number of records. */
  settle() {
    this.#table.settle();
    this.#held?.table.settle();
  }

  /** Empties the list and counts from 0. The table is what the topic holds, and stays. */
  clear() {
    this.#list.clear();
    this.#held?.list.clear();
    this.#gaps = 0;
  }

  /** Empties all. */
  forget() {
    this.clear();
    this.#table.clear();
    this.#table.watch(null);
    this.#held = null;
    this.#rate = new Rate();
  }
}
