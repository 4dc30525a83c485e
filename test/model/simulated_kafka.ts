import type { KafkaRecord } from '../../app/ports/source.ts';
import { Changes } from './changes.ts';
import { keyName, type Ledger, type LedgerPartition } from './ledger.ts';
import type { VirtualClock } from './virtual_clock.ts';

/** What stands at an offset of a log. */
interface Entry {
  readonly offset: number;
  /** `null` for a transaction's marker and for a record whose transaction was aborted. */
  record: KafkaRecord | null;
  /** Of an open transaction: nothing from here on can be read yet. */
  isOpen: boolean;
  /** From when on the cleaner may drop it: a delete that it has come across. */
  dropsAt: number;
}

/** The log of one partition as a broker has it. */
export class SimulatedPartition {
  readonly ledger: LedgerPartition;
  /** Ascending; offsets are missing where compaction took records away. */
  entries: Entry[] = [];
  start = 0;
  /** The last stable offset: who reads committed records reads up to here. */
  stableEnd = 0;
  /** Where the next record is appended. */
  end = 0;

  constructor(ledger: LedgerPartition) {
    this.ledger = ledger;
  }

  append(record: KafkaRecord | null, isOpen: boolean): void {
    this.entries.push({ offset: this.end++, record, isOpen, dropsAt: Number.POSITIVE_INFINITY });
    this.#settle();
  }

  /** Ends the open transaction; its marker takes an offset. */
  endTransaction(isCommitted: boolean): void {
    for (const entry of this.entries) {
      if (!entry.isOpen) continue;
      entry.isOpen = false;
      if (!isCommitted) entry.record = null;
    }
    this.append(null, false);
  }

  get hasOpenTransaction(): boolean {
    return this.stableEnd < this.end;
  }

  deleteBefore(start: number, at: number): void {
    this.start = start;
    this.entries = this.entries.filter(({ offset }) => offset >= start);
    this.ledger.deleteBefore(start, at);
  }

  /** An unclean election of a leader: the records from `end` on are gone. */
  truncate(end: number): void {
    this.entries = this.entries.filter(({ offset }) => offset < end);
    this.end = end;
    this.stableEnd = Math.min(this.stableEnd, end);
    this.ledger.cut(this.stableEnd);
    this.#settle();
  }

  /**
   * What the log cleaner does below an offset (Kafka 3.1 and later): a delete goes at the earliest
   * `keepMs` after the cleaner first came across it and took away what it deletes.
   */
  compact(below: number, now: number, keepMs: number): void {
    const latest = new Map<string, number>();
    for (const { offset, record } of this.entries) {
      if (offset < below && record?.key) latest.set(keyName(record.key), offset);
    }
    this.entries = this.entries.filter((entry) => {
      const { offset, record } = entry;
      if (offset >= below) return true;
      if (record === null) return false;
      if (record.key === null) return true;
      const isLatest = latest.get(keyName(record.key)) === offset;
      if (isLatest && record.value === null) entry.dropsAt = Math.min(entry.dropsAt, now + keepMs);
      if (isLatest && (record.value !== null || now < entry.dropsAt)) return true;
      this.ledger.remove(offset, now);
      return false;
    });
  }

  /** The first entry at or after an offset, by index. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first record of a time or a later one, else the end. */
  offsetOf(time: number): number {
    for (const { offset, record } of this.entries) {
      if (offset >= this.stableEnd) break;
      if (record !== null && record.timestamp >= time) return offset;
    }
    return this.stableEnd;
  }

  /** Moves the last stable offset over all that is decided. */
  #settle(): void {
    for (let at = this.indexOf(this.stableEnd); at < this.entries.length; at++) {
      const entry = this.entries[at]!;
      if (entry.isOpen) break;
      this.ledger.add(entry.record);
      this.stableEnd = entry.offset + 1;
    }
  }
}

/** A topic as long as it exists under one id. */
export interface SimulatedTopic {
  /** Four bytes. */
  readonly id: Uint8Array;
  readonly partitions: SimulatedPartition[];
  compacted: boolean;
  deletes: boolean;
  readonly deleteRetentionMs: number;
}

/** How a topic is made. */
export interface TopicOptions {
  readonly partitions: number;
  readonly compacted: boolean;
  readonly deletes: boolean;
  readonly deleteRetentionMs: number;
}

/** The brokers, with one topic. Whatever happens in it is noted in the ledger. */
export class SimulatedKafka {
  readonly ledger: Ledger;
  readonly #clock: VirtualClock;
  #topic: SimulatedTopic | null = null;
  #topicsMade = 0;
  readonly #idByte: number;
  readonly #changes = new Changes();

  /** @param idByte of the ids of its topics */
  constructor(clock: VirtualClock, ledger: Ledger, idByte = 0xee) {
    this.#clock = clock;
    this.ledger = ledger;
    this.#idByte = idByte;
  }

  get topic(): SimulatedTopic | null {
    return this.#topic;
  }

  create(options: TopicOptions): void {
    const id = Uint8Array.of(0xc0, 0xff, this.#idByte, ++this.#topicsMade);
    this.ledger.begin(Buffer.from(id).toString('hex'));
    this.#topic = { ...options, id, partitions: [] };
    this.#addPartitions(options.partitions);
    if (options.compacted) this.ledger.current!.everCompacted = true;
    this.ledger.current!.deleteRetentionMs = options.deleteRetentionMs;
  }

  remove(): void {
    this.#topic = null;
    this.changed();
  }

  addPartition(): void {
    this.ledger.current!.partition(this.#topic!.partitions.length).wasAdded = true;
    this.#addPartitions(1);
  }

  #addPartitions(count: number): void {
    const { partitions } = this.#topic!;
    this.ledger.current!.existing = partitions.length + count;
    for (let left = count; left > 0; left--) {
      const entry = this.ledger.current!.partition(partitions.length);
      entry.addedAt = this.#clock.now;
      partitions.push(new SimulatedPartition(entry));
    }
    this.changed();
  }

  setPolicy(compacted: boolean, deletes: boolean): void {
    Object.assign(this.#topic!, { compacted, deletes });
    const { current } = this.ledger;
    current!.isSteady = false;
    if (compacted) current!.everCompacted = true;
  }

  append(partition: number, record: KafkaRecord | null, isOpen: boolean): void {
    this.#topic!.partitions[partition]!.append(record, isOpen);
    this.changed();
  }

  truncate(partition: number, end: number): void {
    this.#topic!.partitions[partition]!.truncate(end);
    this.ledger.current!.isSteady = false;
    this.changed();
  }

  /** Wakes who waits for something to read. */
  changed(): void {
    this.#changes.changed();
  }

  /** Ends with the next change, or when the signal aborts. */
  nextChange(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }
}
