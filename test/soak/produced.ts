/** What became of a record: nobody may see one that is open, and never one that was aborted. */
export type Fate = 'open' | 'committed' | 'aborted';

/** A record that Kafka has taken. */
export interface Produced {
  /** Counts the records of a topic. */
  readonly serial: number;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** Of its value; `null` for a tombstone. */
  readonly hash: number | null;
  /** When Kafka acknowledged it, by `performance.now()`. */
  readonly at: number;
  fate: Fate;
  /** Its place among the committed ones of its partition. */
  index: number;
}

/** What one partition was given. */
export class ProducedPartition {
  /** By offset, ascending. */
  readonly committed: Produced[] = [];
  /**
   * The highest log start that Kafka may have had: noted before it is asked to delete. After a kill
   * it may be lower again, as Kafka writes it down once a minute.
   */
  highestStart = 0;

  /** The place of the first committed record at an offset or behind it. */
  indexFrom(offset: number): number {
    let [low, high] = [0, this.committed.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.committed[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The producer's own account of one topic: what Kafka acknowledged, never what a gateway said. */
export class ProducedTopic {
  readonly name: string;
  readonly isCompacted: boolean;
  readonly partitions: ProducedPartition[] = [];
  /** The last committed record of each key, by `keyName()`. */
  readonly latest = new Map<string, Produced>();
  readonly #tombstones = new Map<string, Produced[]>();
  readonly #bySerial = new Map<number, Produced>();
  readonly #aborted = new Set<number>();
  #serial = 0;

  constructor(name: string, isCompacted: boolean, partitions: number) {
    this.name = name;
    this.isCompacted = isCompacted;
    while (this.partitions.length < partitions) this.partitions.push(new ProducedPartition());
  }

  nextSerial(): number {
    return this.#serial++;
  }

  /** Records that a client may get, of all partitions. */
  get count(): number {
    return this.partitions.reduce((sum, { committed }) => sum + committed.length, 0);
  }

  /** What is known of a record; `undefined` until Kafka has acknowledged it. */
  find(serial: number): Produced | undefined {
    return this.#bySerial.get(serial);
  }

  /** Whether a record never was, though Kafka may hold it. */
  isAborted(serial: number): boolean {
    return this.#aborted.has(serial);
  }

  /** The last tombstone of a key below an offset. */
  tombstoneBelow(partition: number, key: string, offset: number): Produced | undefined {
    const all = this.#tombstones.get(keyName(partition, key)) ?? [];
    return all.findLast((record) => record.offset < offset);
  }

  acknowledged(record: Omit<Produced, 'at' | 'fate' | 'index'>): Produced {
    const produced: Produced = { ...record, at: performance.now(), fate: 'open', index: -1 };
    this.#bySerial.set(record.serial, produced);
    return produced;
  }

  /** Records in the order of their offsets, after all that were committed before. */
  commit(records: readonly Produced[]): void {
    for (const record of [...records].sort((a, b) => a.offset - b.offset)) {
      const { committed } = this.partitions[record.partition]!;
      const last = committed.at(-1);
      if (last !== undefined && last.offset >= record.offset) {
        throw new Error(`${this.name}: offset ${record.offset} acknowledged after ${last.offset}`);
      }
      record.fate = 'committed';
      record.index = committed.length;
      committed.push(record);
      if (record.key === null) continue;
      const name = keyName(record.partition, record.key);
      if (this.isCompacted) this.latest.set(name, record);
      if (record.hash !== null) continue;
      const others = this.#tombstones.get(name);
      if (others === undefined) this.#tombstones.set(name, [record]);
      else others.push(record);
    }
  }

  /** Serials of a transaction that was aborted, or of records that were never written. */
  abort(serials: Iterable<number>): void {
    for (const serial of serials) {
      this.#aborted.add(serial);
      const record = this.#bySerial.get(serial);
      if (record !== undefined) record.fate = 'aborted';
    }
  }

  addPartitions(count: number): void {
    while (this.partitions.length < count) this.partitions.push(new ProducedPartition());
  }
}

/** Keys are told apart within their partition, as Kafka's own compaction does. */
export function keyName(partition: number, key: string): string {
  return `${partition}/${key}`;
}

/** FNV-1a of a text's UTF-16 units, with its line ends as an EventSource shows them. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    let unit = text.charCodeAt(at);
    if (unit === 13) {
      if (text.charCodeAt(at + 1) === 10) continue;
      unit = 10;
    }
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return hash >>> 0;
}
