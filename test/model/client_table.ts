import type { ClientFilter } from './client_filter.ts';
import { keyName, type LedgerRecord, type LedgerTopic } from './ledger.ts';

/** The latest of each key, as a client of a compacted topic keeps it by what it is told. */
export class ClientTable {
  readonly #rows = new Map<string, LedgerRecord>();
  /** Since it was told to start over: what does not come again is gone. */
  #unconfirmed: Set<string> | null = null;
  /** Whether a stream of it was cut before it had all: what was dropped by then is not told. */
  #wasLeftBehind = false;
  filter: ClientFilter;

  constructor(filter: ClientFilter) {
    this.filter = filter;
  }

  put(record: LedgerRecord): void {
    if (record.key === null) return;
    const name = `${record.partition}/${keyName(record.key)}`;
    this.#unconfirmed?.delete(name);
    if (record.value === null) this.#rows.delete(name);
    else this.#rows.set(name, record);
  }

  has({ partition, key }: LedgerRecord): boolean {
    return key !== null && this.#rows.has(`${partition}/${keyName(key)}`);
  }

  /** It is told that a key has left its view. @returns whether it had it */
  delete({ partition, key }: LedgerRecord): boolean {
    const name = `${partition}/${keyName(key!)}`;
    this.#unconfirmed?.delete(name);
    return this.#rows.delete(name);
  }

  /** It is told that the stream goes on as for a new client. */
  beginAnew(): void {
    this.#unconfirmed = new Set(this.#rows.keys());
    this.#wasLeftBehind = false;
  }

  clear(): void {
    this.#rows.clear();
    this.#unconfirmed = null;
    this.#wasLeftBehind = false;
  }

  isLeftBehind(): void {
    this.#wasLeftBehind = true;
  }

  /**
   * It has all there is.
   * @throws where it has a key that was deleted
   */
  isWhole(topic: LedgerTopic): void {
    if (!topic.isSteady || !topic.everCompacted) {
      this.clear();
      return;
    }
    for (const name of this.#unconfirmed ?? []) this.#rows.delete(name);
    this.#unconfirmed = null;
    for (const [name, record] of this.#rows) {
      const latest = latestOf(record);
      const { start } = topic.partition(latest.partition);
      if (latest.value !== null) {
        if (latest.offset < start || this.filter.wants(latest)) continue;
        throw new Error(`it has a stale row of ${name}, which left by ${latest.offset}`);
      }
      if (!this.#wasLeftBehind && latest.offset >= start) {
        throw new Error(`it has a dead key of ${name}, deleted by ${latest.offset}`);
      }
      this.#rows.delete(name);
    }
    this.#wasLeftBehind = false;
  }
}

function latestOf(record: LedgerRecord): LedgerRecord {
  let latest = record;
  while (latest.supersededBy !== null) latest = latest.supersededBy;
  return latest;
}
