/**
 * @typedef {{
 *   partition: number, offset: number, key: string, value: string | null, timestamp: number,
 *   at: number,
 * }} Kept
 * @typedef {{ start: number, cleaned: number, end: number, records: Kept[] }} Partition
 */

/** Everything that was started has been done. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A compacted topic, and in the place of a Connection the gateway's stream of it for one client, as
 * the contract has them. Time is what `Date.now()` says.
 */
export class CompactedTopic extends EventTarget {
  url = 'http://gateway/events?format=json';
  lastEventId = '';
  lastActivity = 0;
  status = 'connecting';
  isOpen = false;
  /** The client's next offsets; null: it is new. @type {number[] | null} */
  #cursor = null;
  /** The ends that it has to reach to be live; null: it has been. @type {number[] | null} */
  #mark = null;
  /** A gap that it was not told of. @type {string | null} */
  #gap = null;
  /** @type {Partition[]} */
  #partitions = [];
  /** @type {number} */
  #deleteRetentionMs;

  /** @param {number} partitions @param {number} deleteRetentionMs */
  constructor(partitions, deleteRetentionMs) {
    super();
    this.#deleteRetentionMs = deleteRetentionMs;
    this.#partitions = Array.from({ length: partitions }, emptyPartition);
  }

  close() {
    this.isOpen = false;
  }

  restart() {
    this.#cursor = null;
    this.lastEventId = '';
    this.cut();
  }

  /**
   * @param {number} number @param {string} key @param {string | null} value
   * @param {number} timestamp
   */
  write(number, key, value, timestamp) {
    const partition = this.#at(number);
    const offset = partition.end++;
    const at = Date.now();
    partition.records.push({ partition: number, offset, key, value, timestamp, at });
  }

  /** What was superseded goes, and deletes of a certain age. */
  compact() {
    const oldest = Date.now() - this.#deleteRetentionMs;
    for (const partition of this.#partitions) {
      const latest = latestOf(partition);
      partition.cleaned = partition.end;
      partition.records = latest.filter(({ value, at }) => value !== null || at >= oldest);
    }
  }

  /** All is deleted by age, where the client has not had it yet. @param {number} number */
  retain(number) {
    const partition = this.#at(number);
    if (this.#cursor === null || (this.#cursor[number] ?? 0) >= partition.end) return;
    partition.start = partition.end;
    partition.records = [];
  }

  /** The end is lost, as far as it was not cleaned yet. @param {number} number */
  truncate(number) {
    const partition = this.#at(number);
    // Else a record may show again that the client was not sent, as it was superseded.
    if (this.#next(number) < partition.end) return;
    partition.end = Math.max(partition.start, partition.cleaned, partition.end - 2);
    partition.records = partition.records.filter(({ offset }) => offset < partition.end);
    if (this.#next(number) > partition.end) this.#tell('truncated');
  }

  recreate() {
    this.#partitions = this.#partitions.map(emptyPartition);
    if (this.#cursor !== null) this.#tell('recreated');
  }

  async open() {
    if (this.isOpen) return;
    this.isOpen = true;
    this.#mark = this.#ends();
    this.lastActivity = Date.now();
    this.dispatchEvent(new Event('open'));
    await settled();
    this.#tellGap();
    this.#tellLive();
  }

  cut() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.status = 'retrying';
    this.dispatchEvent(new Event('statuschange'));
    this.dispatchEvent(Object.assign(new Event('error'), { error: new Error('cut'), retryMs: 1 }));
  }

  /** @param {number} count of records that the client gets now @param {boolean} fromLast partition */
  async deliver(count, fromLast = false) {
    for (let n = 0; n < count; n++) {
      if (this.isOpen) this.#tellGap();
      if (!this.isOpen) break;
      const due = this.#partitions
        .map((partition, number) => latestOf(partition).find((r) => r.offset >= this.#next(number)))
        .filter((record) => record !== undefined);
      const record = fromLast ? due.at(-1) : due[0];
      this.#cursor ??= this.#partitions.map(({ start }) => start);
      if (record === undefined) {
        this.#tellLive();
        break;
      }
      this.#cursor[record.partition] = record.offset + 1;
      this.#dispatch(record.value === null ? 'delete' : 'message', { ...record, headers: [] });
      this.#tellLive();
    }
    await settled();
  }

  /** What a new client would get: of the same key in two partitions, the newer record. */
  latest() {
    /** @type {Map<string, Kept>} */
    const shown = new Map();
    for (const record of this.#partitions.flatMap(latestOf)) {
      const other = shown.get(record.key);
      const isNewer = other === undefined || record.timestamp >= other.timestamp;
      if (record.value !== null && isNewer) shown.set(record.key, record);
    }
    return [...shown.values()].map(({ key, value }) => [key, value]);
  }

  /** @param {number} number */
  #at(number) {
    return /** @type {Partition} */ (this.#partitions[number]);
  }

  /** @param {number} number */
  #next(number) {
    return this.#cursor?.[number] ?? 0;
  }

  #ends() {
    return this.#partitions.map(({ end }) => end);
  }

  /** @param {string} reason */
  #tell(reason) {
    if (this.#gap !== 'recreated') this.#gap = reason;
    if (this.isOpen) this.#tellGap();
  }

  /** Before anything else; a new client misses nothing. */
  #tellGap() {
    const isCut = this.#partitions.some(({ start }, number) => this.#next(number) < start);
    const reason = this.#gap ?? (isCut ? 'retention' : null);
    this.#gap = null;
    if (this.#cursor === null || reason === null) return;
    const isNew = reason === 'recreated';
    if (isNew) this.#mark = this.#ends();
    this.#cursor = this.#partitions.map(({ start, end }, number) =>
      isNew ? start : Math.min(end, Math.max(start, this.#next(number))),
    );
    this.#dispatch('gap', { reason, topic: 'events', partitions: [] });
  }

  #tellLive() {
    const isHad = (/** @type {number} */ end, /** @type {number} */ number) =>
      latestOf(this.#at(number)).every((r) => r.offset >= end || r.offset < this.#next(number));
    if (!this.isOpen || this.#mark === null || !this.#mark.every(isHad)) return;
    this.#mark = null;
    this.#cursor ??= this.#partitions.map(({ start }) => start);
    this.#dispatch('live', {});
    this.status = 'live';
    this.dispatchEvent(new Event('statuschange'));
  }

  /** @param {string} type @param {object} detail */
  #dispatch(type, detail) {
    this.lastActivity = Date.now();
    this.lastEventId = 'an id';
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }
}

/** @returns {Partition} */
function emptyPartition() {
  return { start: 0, cleaned: 0, end: 0, records: [] };
}

/** @param {Partition} partition */
function latestOf({ records }) {
  return records.filter(
    ({ key }, at) => records.findLastIndex((other) => other.key === key) === at,
  );
}
