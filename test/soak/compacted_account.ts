import { Account, placeOf } from './account.ts';
import type { Delivery, Lost, Received } from './delivery.ts';
import { DELETE_RETENTION_MS } from './kafka_topics.ts';
import { keyName, type Produced } from './produced.ts';

/**
 * Judges what a client got of a compacted topic: at the end the last record of every key, and no key
 * that was deleted or has left its view, and on the way the records of a key in their order, none twice.
 */
export class CompactedAccount extends Account {
  /** What came last of each key, since it was told to start over. */
  readonly #last = new Map<string, Produced>();
  /** The keys that it had then, and that did not come again yet. */
  readonly #unconfirmed = new Set<string>();
  /** The time of its last id, Unix milliseconds, and how old it was when a gap came. */
  #idTime = Number.POSITIVE_INFINITY;
  #idAge = 0;

  override take(received: Received): void {
    if (received.event === 'gap') this.#idAge = Date.now() - this.#idTime;
    super.take(received);
  }

  override identified(id: string): void {
    const time = /\/~([0-9a-z]+)/.exec(id)?.[1];
    if (time !== undefined) this.#idTime = Number.parseInt(time, 36) * 1000;
  }

  /** Keys of its view that lack their value, and those that it still has and that are in it no more. */
  override get missing(): number {
    return this.#missingRecords().length;
  }

  protected override missingText(): string {
    return this.#missingRecords()
      .slice(0, 3)
      .map((record) => `${placeOf(record)}, key ${record.key}`)
      .join(', ');
  }

  protected override record(record: Produced): void {
    const name = keyName(record.partition, record.key!);
    const last = this.#last.get(name);
    this.#unconfirmed.delete(name);
    if (last === undefined || last.offset < record.offset) {
      this.#last.set(name, record);
    } else if (last === record) {
      this.tally.doubled++;
      this.note(`doubled: ${placeOf(record)}, key ${record.key}`);
    } else {
      this.tally.outOfOrder++;
      this.note(`out of order: ${placeOf(record)} after ${placeOf(last)}, key ${record.key}`);
    }
  }

  /** Nothing is deleted from the front here. */
  protected override gap({ reason, lost }: Delivery & { kind: 'gap' }): void {
    if (reason === 'deletes' && this.#mayLackDeletes(lost)) this.tally.explainedGaps++;
    else {
      this.tally.unexplainedGaps++;
      this.note(`gap ${reason} ${JSON.stringify(lost)}, by an id ${this.#idAge} ms old`);
    }
    for (const [name, record] of this.#last) if (this.#isShown(record)) this.#unconfirmed.add(name);
    this.#last.clear();
  }

  /** What it has and did not get again was deleted. */
  protected override live(): void {
    this.#unconfirmed.clear();
  }

  /** Dead keys apart. Text has no `live`: by now it would have come. */
  protected override judgeEnd(): void {
    this.#unconfirmed.clear();
    const dead = this.#missingRecords().filter((record) => !this.#isShown(record));
    for (const record of dead) {
      this.tally.dead++;
      this.note(`a dead key: ${record.key}, gone with ${placeOf(record)}`);
      this.#last.delete(keyName(record.partition, record.key!));
    }
    super.judgeEnd();
  }

  /**
   * Whether it was away for half of `delete.retention.ms`, with an id that was a quarter old, or
   * stands below what was written as long ago.
   */
  #mayLackDeletes(lost: readonly Lost[]): boolean {
    if (this.#idAge > DELETE_RETENTION_MS * (1 / 2 + 1 / 4)) return true;
    const before = Date.now() - DELETE_RETENTION_MS / 2;
    return lost.some(({ partition, from }) => {
      const produced = this.topic.partitions[partition]!;
      const next = produced.committed[produced.indexFrom(from)];
      return next !== undefined && next.at < before;
    });
  }

  /** What ends a key counts for those alone that have it: to others Kafka may not have it any more. */
  #missingRecords(): Produced[] {
    return [...this.topic.latest]
      .filter(([name, record]) => {
        const last = this.#last.get(name);
        if (this.#isShown(record)) return last !== record;
        return last !== undefined && this.#isShown(last);
      })
      .map(([, record]) => record);
  }

  /** Whether its client has a key while this is the key's last record. */
  #isShown(record: Produced): boolean {
    return record.hash !== null && this.wants(record);
  }
}
