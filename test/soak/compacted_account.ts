import { Account, placeOf } from './account.ts';
import type { Delivery } from './delivery.ts';
import { keyName, type Produced } from './produced.ts';

/**
 * Judges what a client got of a compacted topic: at the end the last record of every key, a delete
 * too, and on the way the records of a key in their order, none twice.
 */
export class CompactedAccount extends Account {
  readonly #last = new Map<string, Produced>();

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
    this.tally.unexplainedGaps++;
    this.note(`gap ${reason} ${JSON.stringify(lost)}`);
  }

  #missingRecords(): Produced[] {
    return [...this.topic.latest]
      .filter(([name, record]) => this.#last.get(name) !== record)
      .map(([, record]) => record);
  }
}
