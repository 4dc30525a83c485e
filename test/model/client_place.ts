import type { ClientFilter } from './client_filter.ts';
import { type DecodedCursor, NO_TOPIC_ID } from './cursor_decoder.ts';
import { type Ledger, type LedgerPartition, type LedgerRecord, LedgerTopic } from './ledger.ts';

/** Where a client is: up to which offset of each partition it has everything, or was told. */
export class ClientPlace {
  readonly #ledger: Ledger;
  filter: ClientFilter;
  /** `null` while the client has no place. */
  #topic: LedgerTopic | null = null;
  readonly #next = new Map<number, number>();
  /** What was deleted below this before the client had a place is no loss to it. */
  readonly #floor = new Map<number, number>();

  constructor(ledger: Ledger, filter: ClientFilter) {
    this.#ledger = ledger;
    this.filter = filter;
  }

  get topic(): LedgerTopic | null {
    return this.#topic;
  }

  /** Next offset by partition. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#next;
  }

  next(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  /** The client comes with a cursor, or with none. */
  begin(cursor: DecodedCursor | null): void {
    this.#topic = null;
    this.#next.clear();
    this.#floor.clear();
    if (cursor === null) return;
    const { topicId, offsets } = cursor;
    // Without id bytes it is of the topic that it is taken for.
    if (topicId !== NO_TOPIC_ID || !this.#ledger.hasIds) {
      this.#topic = this.#ledger.find(topicId) ?? new LedgerTopic(topicId);
    }
    for (const [partition, offset] of offsets) {
      this.#next.set(partition, offset);
      this.#floor.set(partition, 0);
    }
  }

  /** The client is told that it goes on in another topic, or begins in one. */
  beginIn(topic: LedgerTopic): void {
    this.begin(null);
    this.#topic = topic;
  }

  /** @param known so many partitions the id has to name at least */
  checkId(id: DecodedCursor, known: number): void {
    const topic = this.topicOf(id);
    this.#topic ??= topic;
    if (this.#topic !== topic) throw new Error(NOT_TOLD);
    for (const [partition, next] of this.#next) {
      const offset = id.offsets.get(partition);
      if (offset === undefined) throw new Error(`the id does not name partition ${partition}`);
      if (offset < next) throw new Error(`the id goes back from ${partition}/${next} to ${offset}`);
    }
    for (let number = 0; number < known; number++) {
      if (!id.offsets.has(number)) throw new Error(`the id does not name partition ${number}`);
    }
    for (const [number, offset] of id.offsets) {
      // One that the topic does not have is kept as it came.
      if (number >= topic.existing) continue;
      const end = topic.partition(number).highestEnd;
      if (offset > end) throw new Error(`the id lies beyond the end ${number}/${end}`);
    }
  }

  /** All records between the client's place and the id, those of a log that was cut among them. */
  recordsBefore(id: DecodedCursor): LedgerRecord[] {
    const records: LedgerRecord[] = [];
    for (const [number, to] of id.offsets) {
      const { cells } = this.#topic!.partition(number);
      for (let offset = this.next(number); offset < to; offset++) {
        for (const record of cells[offset] ?? []) {
          if (record !== null) records.push(record);
        }
      }
    }
    return records;
  }

  /** Every record below the id has come, but for those at one place. */
  checkNothingLost(id: DecodedCursor, come?: LedgerRecord): void {
    for (const [number, to] of id.offsets) {
      const lost = this.missing(number, this.next(number), to);
      checkNone(lost.filter(({ offset }) => come?.partition !== number || come.offset !== offset));
    }
  }

  /** The same, but for records that are told by an id alone. */
  checkNothingButEmptyLost(id: DecodedCursor): void {
    for (const [number, to] of id.offsets) {
      const lost = this.missing(number, this.next(number), to);
      checkNone(lost.filter(({ key, value }) => key !== null || value !== null));
    }
  }

  checkNothingBetween(number: number, from: number, to: number): void {
    checkNone(this.missing(number, from, to));
  }

  /** The records in a range of offsets that the client cannot do without. */
  missing(number: number, from: number, to: number): LedgerRecord[] {
    const partition = (this.#topic ?? this.#ledger.current!).partition(number);
    // Where topics have no ids, the log start may have been asked of one that was made anew.
    const { hasIds, timesMade } = this.#ledger;
    const floor = hasIds || timesMade === 1 ? this.#floor.get(number) : undefined;
    const records: LedgerRecord[] = [];
    for (let offset = Math.max(from, floor ?? partition.start); offset < to; offset++) {
      const versions = partition.cells[offset] ?? [];
      const record = versions.at(-1);
      if (record && versions.every((one) => one !== null && !this.#mayBeLeftOut(one, partition))) {
        records.push(record);
      }
    }
    return records;
  }

  /**
   * Whether in each partition in which it waits for something its replica has read records before that which were
   * superseded since: then the first of what it waits for, wherever that is, has some before it.
   */
  standsBeforeSuperseded(readUpTo: ArrayLike<number>): boolean {
    let waits = false;
    for (const [number, next] of this.#next) {
      const { cells } = this.#topic!.partition(number);
      let passes = false;
      for (let offset = next; offset < (readUpTo[number] ?? 0); offset++) {
        const record = cells[offset]?.at(-1);
        if (!record) continue;
        if (this.#topic!.supersededBy(record, readUpTo) === null) {
          if (!passes) return false;
          waits = true;
          break;
        }
        passes ||= !record.isRemoved;
      }
    }
    return waits;
  }

  /** The client is told of a gap. */
  move(partition: number, to: number): void {
    this.#next.set(partition, to);
  }

  /** From now on the client has everything below the id, and a place in each partition. */
  follow({ offsets }: DecodedCursor): void {
    for (const [number, offset] of offsets) {
      this.#next.set(number, offset);
      if (!this.#floor.has(number)) this.#floor.set(number, this.#topic!.partition(number).start);
    }
  }

  /**
   * Whether the client's topic was deleted and another made. Until it is told it gets what is left
   * of the old one; log starts are asked for by name, and may be those of the new one.
   */
  isGone(id: DecodedCursor): boolean {
    return this.#ledger.hasIds && (this.#topic ?? this.topicOf(id)) !== this.#ledger.current;
  }

  checkGone(id: DecodedCursor): void {
    this.#topic ??= this.topicOf(id);
    if (id.topicId !== this.#topic.topicId) throw new Error(NOT_TOLD);
    for (const [partition, next] of this.#next) {
      const offset = id.offsets.get(partition) ?? -1;
      if (offset < next) throw new Error(`the id goes back from ${partition}/${next} to ${offset}`);
    }
  }

  topicOf(id: DecodedCursor): LedgerTopic {
    const topic = this.#ledger.find(id.topicId);
    if (topic === undefined) throw new Error(`the id is of an unknown topic ${id.topicId}`);
    return topic;
  }

  /**
   * What it does not want, and of a compacted topic what is superseded, and deletes that Kafka has dropped. Where the log
   * was cut a gateway that has not noticed takes one record for another.
   */
  #mayBeLeftOut(record: LedgerRecord, partition: LedgerPartition): boolean {
    if (!this.filter.wants(record)) return true;
    const { everCompacted } = this.#topic ?? this.#ledger.current!;
    if (!everCompacted) return false;
    const isDropped = record.value === null && record.offset < partition.start;
    return record.supersededBy !== null || record.isRemoved || record.isCut || isDropped;
  }
}

const NOT_TOLD = 'the topic was made anew and the client is not told';

function checkNone(lost: readonly LedgerRecord[]): void {
  if (lost.length === 0) return;
  const places = lost.map(({ partition, offset }) => `${partition}/${offset}`).join(' ');
  throw new Error(`the id is past records that did not come: ${places}`);
}
