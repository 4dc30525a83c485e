import { Account, placeOf } from './account.ts';
import type { Delivery, Lost } from './delivery.ts';
import type { Produced } from './produced.ts';

/** Lost records that are remembered, to tell one that comes late from one that comes twice. */
const MAX_REMEMBERED = 10_000;

/** Where a client is in one partition. */
interface Place {
  /** Of the next committed record that has to come. */
  next: number;
  /** Whether anything came of it: before that, deleted records may be missing without a word. */
  isStarted: boolean;
  readonly lost: Set<number>;
}

/**
 * Judges what a client got of a topic that is not compacted: from where it began every committed
 * record that it wants once, in the order of its partition, but those that a gap told of.
 */
export class PlainAccount extends Account {
  readonly #places: Place[] = [];

  override get missing(): number {
    return this.#missingRecords().length;
  }

  protected override missingText(): string {
    return this.#missingRecords().slice(0, 3).map(placeOf).join(', ');
  }

  protected override record(record: Produced): void {
    const place = this.#place(record.partition);
    const { index } = record;
    if (index >= place.next) {
      this.#skip(record.partition, index);
      place.next = index + 1;
      place.isStarted = true;
    } else if (place.lost.delete(index)) {
      this.tally.lost--;
      this.tally.outOfOrder++;
      this.note(`out of order: ${placeOf(record)}`);
    } else {
      this.tally.doubled++;
      this.note(`doubled: ${placeOf(record)}`);
    }
  }

  protected override gap({ reason, lost }: Delivery & { kind: 'gap' }): void {
    const isTrue = reason === 'retention' && lost.length > 0;
    // Not every() alone: each part moves the client on.
    const parts = lost.map((part) => this.#isExplained(part));
    if (isTrue && !parts.includes(false)) {
      this.tally.explainedGaps++;
      return;
    }
    this.tally.unexplainedGaps++;
    const starts = this.topic.partitions.map(({ highestStart }) => highestStart).join();
    this.note(`gap ${reason} ${JSON.stringify(lost)}; log starts were ${starts}`);
  }

  /** Whether a part names only records that Kafka had deleted and that the client had to get. */
  #isExplained({ partition, from, to }: Lost): boolean {
    const produced = this.topic.partitions[partition];
    if (produced === undefined) return false;
    const place = this.#place(partition);
    const { committed, highestStart } = produced;
    const last = committed[place.next - 1];
    const begin = produced.indexFrom(from);
    // What stands before the part was not told of.
    this.#skip(partition, begin);
    const end = Math.max(place.next, produced.indexFrom(to));
    const existed = committed
      .slice(Math.max(place.next, begin), end)
      .filter((record) => record.offset >= highestStart && this.wants(record));
    this.#lose(place, existed, 'told as a gap');
    place.next = end;
    place.isStarted = true;
    return existed.length === 0 && to > from && (last === undefined || from > last.offset);
  }

  /** Moves on to a record; what stands before it has not come. */
  #skip(partition: number, index: number): void {
    const place = this.#place(partition);
    const skipped = this.#due(partition, index);
    this.#lose(place, skipped, 'skipped');
    place.next = Math.max(place.next, index);
  }

  #lose(place: Place, records: readonly Produced[], how: string): void {
    if (records.length === 0) return;
    this.tally.lost += records.length;
    this.note(`${records.length} ${how}, the first: ${placeOf(records[0]!)}`);
    for (const { index } of records.slice(0, MAX_REMEMBERED - place.lost.size)) {
      place.lost.add(index);
    }
  }

  #missingRecords(): Produced[] {
    return this.topic.partitions.flatMap(({ committed }, partition) =>
      this.#due(partition, committed.length),
    );
  }

  /** What has to come before a record. */
  #due(partition: number, index: number): Produced[] {
    const { next, isStarted } = this.#place(partition);
    const { committed, highestStart } = this.topic.partitions[partition]!;
    const before = committed.slice(next, index).filter((record) => this.wants(record));
    return isStarted ? before : before.filter(({ offset }) => offset >= highestStart);
  }

  #place(partition: number): Place {
    this.#places[partition] ??= { next: 0, isStarted: false, lost: new Set() };
    return this.#places[partition];
  }
}
