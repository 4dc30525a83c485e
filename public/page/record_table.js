import { matches } from './text_filter.js';

/** @import { StreamRecord } from './stream_record.js' */

/** Of a topic with more keys those stay that changed last, as many as fit both. */
const MAX_KEYS = 20_000;
const MAX_CHARACTERS = 32_000_000;
/** So many of the others are counted, each once; of more it is said that there are more. */
const MAX_GONE = 200_000;
const collator = new Intl.Collator('en', { numeric: true });

/**
 * A key with its latest record.
 *
 * @typedef {object} TableRow
 * @property {string} name tells keys apart, within their topic and partition as Kafka does
 * @property {StreamRecord} record
 * @property {boolean} isShown the filter lets it through
 * @property {boolean} isPlaced it has its place among those that show
 */

/**
 * What became of a key.
 *
 * @typedef {object} Watched
 * @property {StreamRecord | null} record its latest, where it has a row
 * @property {StreamRecord | null} end the record that took it away
 */

/** The latest record of each key, in order of the keys: a row keeps its place while it changes. */
export class RecordTable {
  /** @type {Map<string, TableRow>} the one that changed last is last */
  #rows = new Map();
  #characters = 0;
  /** @type {TableRow[]} */
  #shown = [];
  /** @type {Set<TableRow>} rows that wait for their place */
  #fresh = new Set();
  /** Whether rows have to leave `#shown`. */
  #isStale = false;
  #filter = '';
  /** Keys that had to leave for others. @type {Set<string>} */
  #gone = new Set();
  /** The key that somebody looks at. @type {{ name: string, end: StreamRecord | null } | null} */
  #watched = null;
  /** How many records had no key, and so no row. */
  keyless = 0;

  get keys() {
    return this.#rows.size;
  }

  /** How many keys there are that had to leave for others, and whether there are more than that. */
  get evicted() {
    return { keys: this.#gone.size, hasMore: this.#gone.size >= MAX_GONE };
  }

  get length() {
    return this.#shown.length;
  }

  /** @param {number} index */
  at(index) {
    return this.#shown[index];
  }

  /** @param {TableRow} row */
  indexOf(row) {
    let low = 0;
    let high = this.#shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(/** @type {TableRow} */ (this.#shown[middle]), row) < 0) low = middle + 1;
      else high = middle;
    }
    return this.#shown[low] === row ? low : -1;
  }

  /** @param {StreamRecord} record */
  add(record) {
    const { kind, topic, key, partition, isBinaryKey } = record;
    if (kind === 'gap') return;
    if (key === null || key === undefined) {
      this.keyless++;
      return;
    }
    const name = `${topic ?? ''} ${partition} ${isBinaryKey} ${key}`;
    const row = this.#rows.get(name);
    this.#gone.delete(name);
    if (name === this.#watched?.name) this.#watched.end = kind === 'message' ? null : record;
    if (kind === 'delete' || kind === 'leave') {
      if (row !== undefined) this.#remove(row);
      return;
    }
    if (row === undefined) this.#set({ name, record, isShown: false, isPlaced: false });
    else this.#change(row, record);
    while (this.#isFull()) {
      const oldest = /** @type {TableRow} */ (this.#rows.values().next().value);
      this.#remove(oldest);
      if (this.#gone.size < MAX_GONE) this.#gone.add(oldest.name);
    }
  }

  /** @param {TableRow | null} row of the key to be watched */
  watch(row) {
    this.#watched = row === null ? null : { name: row.name, end: null };
  }

  /** @returns {Watched | null} */
  get watched() {
    if (this.#watched === null) return null;
    const { name, end } = this.#watched;
    return { record: this.#rows.get(name)?.record ?? null, end };
  }

  /** @param {string} text empty: all show */
  setFilter(text) {
    this.#filter = text;
    for (const row of this.#rows.values()) this.#show(row);
  }

  clear() {
    this.#rows.clear();
    this.#shown = [];
    this.#fresh.clear();
    this.#gone.clear();
    this.#characters = 0;
    this.keyless = 0;
  }

  /**
   * A topic is read anew: what it does not bring again is gone.
   * @param {string | null} topic null where the stream does not tell which
   */
  startOver(topic) {
    for (const row of this.#rows.values()) {
      if ((row.record.topic ?? topic) === topic) this.#remove(row);
    }
    for (const name of this.#gone) {
      if (name.startsWith(' ') || name.startsWith(`${topic} `)) this.#gone.delete(name);
    }
  }

  /** Rows take and leave their places: to be called before a look, once for any number of records. */
  settle() {
    if (this.#isStale) {
      for (const row of this.#shown) row.isPlaced = this.#isHere(row);
      this.#shown = this.#shown.filter((row) => row.isPlaced);
      this.#isStale = false;
    }
    if (this.#fresh.size === 0) return;
    const fresh = [...this.#fresh].filter((row) => this.#isHere(row) && !row.isPlaced);
    this.#fresh.clear();
    for (const row of fresh) row.isPlaced = true;
    this.#shown = merged(this.#shown, fresh.sort(compare));
  }

  /** One that stays as it is while this one goes on. */
  copy() {
    const copy = new RecordTable();
    copy.keyless = this.keyless;
    copy.#gone = new Set(this.#gone);
    copy.#watched = this.#watched === null ? null : { ...this.#watched };
    copy.#filter = this.#filter;
    for (const row of this.#rows.values()) copy.#set({ ...row, isPlaced: false });
    copy.settle();
    return copy;
  }

  /** @param {TableRow} row */
  #isHere(row) {
    return row.isShown && this.#rows.get(row.name) === row;
  }

  /**
   * @param {TableRow} row
   * @param {StreamRecord} record
   */
  #change(row, record) {
    this.#rows.delete(row.name);
    this.#characters -= sizeOf(row);
    row.record = record;
    this.#set(row);
  }

  /** @param {TableRow} row */
  #set(row) {
    this.#rows.set(row.name, row);
    this.#characters += sizeOf(row);
    this.#show(row);
  }

  /** @param {TableRow} row */
  #show(row) {
    row.isShown = matches(row.record, this.#filter);
    if (row.isShown && !row.isPlaced) this.#fresh.add(row);
    if (!row.isShown && row.isPlaced) this.#isStale = true;
  }

  /** @param {TableRow} row */
  #remove(row) {
    this.#rows.delete(row.name);
    this.#fresh.delete(row);
    this.#characters -= sizeOf(row);
    this.#isStale = true;
  }

  #isFull() {
    const { size } = this.#rows;
    return size > MAX_KEYS || (this.#characters > MAX_CHARACTERS && size > 1);
  }
}

/**
 * As a reader looks for a key: `order-9` before `order-10`; the same key by topic and partition.
 * @param {TableRow} a
 * @param {TableRow} b
 */
function compare(a, b) {
  const [left, right] = [String(a.record.key), String(b.record.key)];
  const order = collator.compare(left, right);
  if (order !== 0) return order;
  if (left !== right) return left < right ? -1 : 1;
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

/**
 * @param {TableRow[]} left in order
 * @param {TableRow[]} right in order
 */
function merged(left, right) {
  if (left.length === 0) return right;
  const all = [];
  let at = 0;
  for (const row of right) {
    for (; at < left.length; at++) {
      const next = /** @type {TableRow} */ (left[at]);
      if (compare(next, row) > 0) break;
      all.push(next);
    }
    all.push(row);
  }
  return all.concat(left.slice(at));
}

/** @param {TableRow} row */
function sizeOf({ name, record }) {
  return name.length + record.value.length;
}
