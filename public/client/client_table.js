import { addressOf, nameIn } from './client_address.js';
import { RECORDS, startsOver } from './client_events.js';

/** As it is while nothing is missed. */
const LIVE = ['live', 'polling', 'stale'];

/** Those of several topics, by name, of one stream. */
export function tables(urls, { connect, ...options }) {
  const all = new Map();
  const connectOnce = (_, asked) => (all.connection ??= connect(urls, asked));
  for (const url of urls) {
    const topic = nameIn(addressOf(url, options));
    all.set(topic, new Table(url, { ...options, connect: connectOnce, topic }));
  }
  all.whole = Promise.all(Array.from(all.values(), ({ whole }) => whole)).then(() => all);
  all.whole.catch(() => {}); // It is told to who waits for it.
  all.close = () => all.connection.close();
  return all;
}

/** The live Map of `table()` in client.js. */
export class Table extends EventTarget {
  isWhole = false;
  /** Of each key the records: one a partition that has it, the newest last. */
  #rows = new Map();
  /** The rows of a table that is read from the beginning, until it is whole. */
  #staged = new Map();
  #changed = new Map();
  #isLive = false;
  /** Up to then nothing was missed. */
  #freshAt = 0;
  /** How long Kafka keeps deletes; where it is not known, the gateway's own gap has to do. */
  #deleteRetentionMs;
  #url;
  #options;
  #giveUp;

  /** `topic`: of several, the one that it is of. */
  constructor(url, { connect, topic, ...options }) {
    super();
    this.#options = options;
    this.#url = addressOf(url, { ...options, format: 'json' }).href;
    const { signal } = options;
    // No store: the rows do not outlive the page, so the id must not, either.
    this.connection = connect(this.#url, { ...options, store: undefined });
    const on = (type, listener) =>
      this.connection.addEventListener(type, (event) => {
        if (((topic && event.detail?.topic) ?? topic) === topic) listener(event);
      });
    on('open', () => this.#opened());
    for (const type of RECORDS) on(type, ({ detail }) => this.#put(detail, type === 'message'));
    on('gap', ({ detail }) => this.#missed(detail));
    on('live', () => this.#live());
    on('statuschange', () => this.#turned());
    this.whole = new Promise((resolve, reject) => {
      this.addEventListener('whole', () => resolve(this));
      on('error', ({ error, retryMs }) => {
        if (retryMs === null) reject(error);
      });
      // What is refused for good says so first, in the same turn.
      this.#giveUp = () =>
        queueMicrotask(() =>
          reject(signal?.reason ?? new DOMException('The table was closed', 'AbortError')),
        );
    });
    this.whole.catch(() => {}); // It is told to who waits for it.
    if (signal?.aborted) this.#giveUp();
  }

  get status() {
    return this.connection.status;
  }

  get size() {
    return this.#rows.size;
  }

  /** The record that the value of a key came in. */
  record(key) {
    return this.#rows.get(idOf(key))?.at(-1);
  }

  get(key) {
    return this.record(key)?.value;
  }

  has(key) {
    return this.#rows.has(idOf(key));
  }

  *entries() {
    for (const records of this.#rows.values()) yield [records[0].key, records.at(-1).value];
  }

  *keys() {
    for (const [key] of this) yield key;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  forEach(use, self) {
    for (const [key, value] of this) use.call(self, value, key, this);
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  close() {
    this.connection.close();
  }

  async #opened() {
    const { lastEventId } = this.connection;
    const absenceMs = Date.now() - this.#freshAt;
    // All of it comes: it may have been another table of the stream that starts over.
    if (lastEventId === '') this.#stage();
    this.#deleteRetentionMs ??= await this.#retention().catch(() => undefined);
    // Those that were dropped before a replay that was cut had reached them would never come.
    if (lastEventId !== '' && absenceMs > this.#deleteRetentionMs) this.#restart();
  }

  async #retention() {
    const { fetch = globalThis.fetch, token } = this.#options;
    const bearer = await token?.();
    const response = await fetch(new URL('-/topics', this.#url).href, {
      headers: bearer ? { Authorization: `Bearer ${bearer}` } : {},
      credentials: this.connection.withCredentials ? 'include' : 'same-origin',
    });
    // A proxy may have put something before it.
    const { pathname } = new URL(this.#url);
    const { topics } = response.ok ? await response.json() : { topics: [] };
    const topic = topics.find(({ path }) => pathname.endsWith(path));
    // The gateway itself has not heard of it yet.
    if (topic?.compacted === null) return undefined;
    return topic?.deleteRetentionMs ?? Number.POSITIVE_INFINITY;
  }

  #turned() {
    const { status, lastActivity } = this.connection;
    if (this.#isLive && !LIVE.includes(status)) {
      this.#isLive = false;
      this.#freshAt = lastActivity;
    }
    if (status === 'closed') this.#giveUp();
    this.dispatchEvent(new Event('statuschange'));
  }

  #missed(gap) {
    if (startsOver(gap)) this.#stage();
    // What was lost may have changed any key. Of what cannot be read, another try knows no more.
    else if (gap.reason !== 'unread') this.#restart();
  }

  #restart() {
    this.#stage();
    this.connection.restart();
  }

  #stage() {
    this.#staged = new Map();
    this.isWhole = false;
    this.#isLive = false;
    this.#freshAt = Date.now();
  }

  #live() {
    this.#isLive = true;
    if (this.#staged === null) return;
    for (const [id, [{ key }]] of [...this.#rows, ...this.#staged]) this.#change(id, key);
    this.#rows = this.#staged;
    this.#staged = null;
    this.isWhole = true;
    this.dispatchEvent(new Event('whole'));
  }

  /**
   * To Kafka the same key in two partitions is two keys; it happens after partitions were added.
   * The newer record shows, and the other one again if that is deleted: what shows must not depend
   * on the order in which partitions came.
   */
  #put(record, isThere) {
    const { key, partition } = record;
    if (key === null) return;
    const rows = this.#staged ?? this.#rows;
    const id = idOf(key);
    const records = (rows.get(id) ?? []).filter((other) => other.partition !== partition);
    if (isThere) records.push(record);
    records.sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition);
    if (records.length > 0) rows.set(id, records);
    else rows.delete(id);
    if (rows === this.#rows) this.#change(id, key);
  }

  /** One event for all that came together. */
  #change(id, key) {
    if (this.#changed.size === 0) {
      queueMicrotask(() => {
        const keys = [...this.#changed.values()];
        this.#changed.clear();
        this.dispatchEvent(Object.assign(new Event('change'), { keys }));
      });
    }
    this.#changed.set(id, key);
  }
}

/** Two arrays of the same bytes are two keys of a Map. */
function idOf(key) {
  return typeof key === 'string' ? `=${key}` : `${key}`;
}
