/** What became of a record: nobody may see one that is open, and never one that was aborted. */
export type Fate = 'open' | 'committed' | 'aborted';

/** A record that Kafka has taken. */
export interface Produced {
  /** Counts the records of a topic. */
  readonly serial: number;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** Of what a client is shown of its value; `null` for a tombstone. */
  readonly hash: number | null;
  /** When Kafka acknowledged it; Unix time in milliseconds. */
  readonly at: number;
  fate: Fate;
  /** Its place among the committed ones of its partition. */
  index: number;
}

/** What is told of a record once Kafka has it. */
type Acknowledged = Omit<Produced, 'at' | 'fate' | 'index'>;

/** What an account is told: in the same order it is the same account, in any process. */
export type Change =
  | { readonly kind: 'acknowledged'; readonly record: Acknowledged; readonly at: number }
  | { readonly kind: 'committed' | 'aborted'; readonly serials: readonly number[] }
  | { readonly kind: 'partitions'; readonly count: number }
  | { readonly kind: 'start'; readonly partition: number; readonly offset: number };

/** What one partition was given. */
export class ProducedPartition {
  /** By offset, ascending. */
  readonly committed: Produced[] = [];
  /**
   * The highest log start that Kafka may have had: noted before it is asked to delete. After a kill
   * it may be lower again, as Kafka writes it down once a minute.
   */
  highestStart = 0;

  /** The committed record at an offset. */
  at(offset: number): Produced | undefined {
    const record = this.committed[this.indexFrom(offset)];
    return record?.offset === offset ? record : undefined;
  }

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
  /** Told of each change. */
  onChange: (change: Change) => void = () => {};
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
    this.addPartitions(partitions);
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

  acknowledged(record: Acknowledged): Produced {
    this.apply({ kind: 'acknowledged', record, at: Date.now() });
    return this.#bySerial.get(record.serial)!;
  }

  /** Records in the order of their offsets, after all that were committed before. */
  commit(records: readonly Produced[]): void {
    const sorted = [...records].sort((a, b) => a.offset - b.offset);
    this.apply({ kind: 'committed', serials: sorted.map(({ serial }) => serial) });
  }

  /** Serials of a transaction that was aborted, or of records that were never written. */
  abort(serials: Iterable<number>): void {
    this.apply({ kind: 'aborted', serials: [...serials] });
  }

  addPartitions(count: number): void {
    this.apply({ kind: 'partitions', count });
  }

  /** Kafka may have nothing below an offset any more. */
  startAt(partition: number, offset: number): void {
    this.apply({ kind: 'start', partition, offset });
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'acknowledged': {
        const { record, at } = change;
        this.#bySerial.set(record.serial, { ...record, at, fate: 'open', index: -1 });
        break;
      }
      case 'committed':
        for (const serial of change.serials) this.#commit(this.#bySerial.get(serial)!);
        break;
      case 'aborted':
        for (const serial of change.serials) this.#abort(serial);
        break;
      case 'partitions':
        while (this.partitions.length < change.count) this.partitions.push(new ProducedPartition());
        break;
      default: {
        const partition = this.partitions[change.partition]!;
        partition.highestStart = Math.max(partition.highestStart, change.offset);
      }
    }
    this.onChange(change);
  }

  #commit(record: Produced): void {
    const { committed } = this.partitions[record.partition]!;
    const last = committed.at(-1);
    if (last !== undefined && last.offset >= record.offset) {
      throw new Error(`${this.name}: offset ${record.offset} acknowledged after ${last.offset}`);
    }
    record.fate = 'committed';
    record.index = committed.length;
    committed.push(record);
    if (record.key === null) return;
    const name = keyName(record.partition, record.key);
    if (this.isCompacted) this.latest.set(name, record);
    if (record.hash !== null) return;
    const others = this.#tombstones.get(name);
    if (others === undefined) this.#tombstones.set(name, [record]);
    else others.push(record);
  }

  #abort(serial: number): void {
    this.#aborted.add(serial);
    const record = this.#bySerial.get(serial);
    if (record !== undefined) record.fate = 'aborted';
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
