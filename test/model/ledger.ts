import type { KafkaRecord } from '../../app/ports/source.ts';

/** A record that could be read from Kafka at some time. */
export interface LedgerRecord extends KafkaRecord {
  /** The next record of its key. */
  supersededBy: LedgerRecord | null;
  /** Whether compaction has taken it away. */
  isRemoved: boolean;
  /** When. */
  removedAt: number;
  /** Whether the log was cut before it. */
  isCut: boolean;
}

/** Everything that one partition ever held. */
export class LedgerPartition {
  /**
   * By offset, what stood there: a record, or `null` for what holds none (a transaction's marker,
   * an aborted record). More than one after the log was cut there and grew again.
   */
  readonly cells: (LedgerRecord | null)[][] = [];
  /** Whether it came to a topic that was there: a replica may not know it yet. */
  wasAdded = false;
  /** When it last came into being. */
  addedAt = 0;
  /** The last stable offset, now and at its highest. */
  end = 0;
  highestEnd = 0;
  /** Where the log was deleted from the front, and when, ascending. */
  readonly starts: { readonly start: number; readonly at: number }[] = [];
  /** The ends to which the log was cut. */
  readonly cuts: number[] = [];
  readonly #latest = new Map<string, LedgerRecord>();

  /** The log start; the highest there was, where a topic without an id was made anew. */
  get start(): number {
    return this.starts.at(-1)?.start ?? 0;
  }

  /** When the record at an offset was deleted from the front; infinite for never. */
  deletedAt(offset: number): number {
    return this.starts.find(({ start }) => offset < start)?.at ?? Number.POSITIVE_INFINITY;
  }

  deleteBefore(start: number, at: number): void {
    if (start > this.start) this.starts.push({ start, at });
  }

  /** Notes what has become readable at the end. */
  add(record: KafkaRecord | null): void {
    const offset = this.end;
    this.cells[offset] ??= [];
    this.end = offset + 1;
    this.highestEnd = Math.max(this.highestEnd, this.end);
    if (record === null) {
      this.cells[offset].push(null);
      return;
    }
    const entry: LedgerRecord = {
      ...record,
      supersededBy: null,
      isRemoved: false,
      removedAt: Number.POSITIVE_INFINITY,
      isCut: false,
    };
    this.cells[offset].push(entry);
    if (record.key === null) return;
    const key = keyName(record.key);
    const previous = this.#latest.get(key);
    if (previous !== undefined) previous.supersededBy = entry;
    this.#latest.set(key, entry);
  }

  /** The first record of a time or a later one that can be read, else the end. */
  offsetOf(time: number): number {
    for (let offset = this.start; offset < this.end; offset++) {
      const record = this.cells[offset]?.at(-1);
      if (record && !record.isRemoved && record.timestamp >= time) return offset;
    }
    return this.end;
  }

  /** Where a new client begins: at a time, or, below zero, so many offsets before the end. */
  startOf(since: number): number {
    return since < 0 ? Math.max(this.start, this.end + since) : this.offsetOf(since);
  }

  /** The records of a record's key before it. */
  before({ offset, key }: LedgerRecord): LedgerRecord[] {
    const records = this.cells.slice(0, offset).flat();
    return records.filter(
      (one): one is LedgerRecord =>
        one !== null && one.key !== null && keyName(one.key) === keyName(key!),
    );
  }

  cut(end: number): void {
    this.cuts.push(end);
    for (let offset = end; offset < this.end; offset++) {
      const entry = this.cells[offset]?.at(-1);
      if (entry) entry.isCut = true;
    }
    this.end = Math.min(this.end, end);
  }

  /** Compaction took the record at an offset away. */
  remove(offset: number, at: number): void {
    const entry = this.cells[offset]?.at(-1);
    if (entry) Object.assign(entry, { isRemoved: true, removedAt: at });
  }

  /** Deletes from an offset on that compaction took away while they were the latest of their key. */
  droppedFrom(from: number): LedgerRecord[] {
    const records = this.cells.slice(from).flat();
    return records.filter((one) => one?.isRemoved === true && one.value === null) as LedgerRecord[];
  }
}

/** What a topic held, from its making to its deletion. */
export class LedgerTopic {
  /** The id's first four bytes in hex. */
  readonly topicId: string;
  /** With those of earlier topics of the name, where ids are missing. */
  readonly partitions: LedgerPartition[] = [];
  /** How many there are now. */
  existing = 0;
  /** Whether it was ever compacted: only then may superseded records be left out. */
  everCompacted = false;
  deleteRetentionMs = Number.POSITIVE_INFINITY;
  /** Whether it was never cut and kept its policy: nobody had to begin anew in it. */
  isSteady = true;

  constructor(topicId: string) {
    this.topicId = topicId;
  }

  partition(number: number): LedgerPartition {
    while (this.partitions.length <= number) this.partitions.push(new LedgerPartition());
    return this.partitions[number]!;
  }

  /**
   * A later record of the key that a replica must have read. Those that compaction took away or that
   * were deleted from the front may have been gone before it came to them.
   */
  supersededBy(record: LedgerRecord, readUpTo: ArrayLike<number> | null): LedgerRecord | null {
    if (!this.everCompacted || !this.isSteady) return null;
    const { start } = this.partition(record.partition);
    let by = record.supersededBy;
    while (by !== null && (by.isRemoved || by.offset < start)) by = by.supersededBy;
    return by !== null && by.offset < (readUpTo?.[record.partition] ?? 0) ? by : null;
  }
}

/**
 * All that can be known from outside of Kafka about one topic's name. Where ids are missing,
 * topics of that name cannot be told apart from one topic that is cut: they share one entry.
 */
export class Ledger {
  readonly hasIds: boolean;
  readonly topics: LedgerTopic[] = [];
  /** How often a topic of the name was made. */
  timesMade = 0;

  constructor(hasIds: boolean) {
    this.hasIds = hasIds;
  }

  /** The topic that exists now, or existed last. */
  get current(): LedgerTopic | undefined {
    return this.topics.at(-1);
  }

  /** The topic of an id; without ids, the only one. */
  find(topicId: string): LedgerTopic | undefined {
    return this.hasIds ? this.topics.find((topic) => topic.topicId === topicId) : this.current;
  }

  begin(topicId: string): void {
    this.timesMade++;
    const { current } = this;
    if (this.hasIds || current === undefined) {
      this.topics.push(new LedgerTopic(topicId));
    } else {
      for (const partition of current.partitions) partition.cut(0);
      current.isSteady = false;
    }
  }
}

export function keyName(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
