import type { Columns } from '../log/columns.ts';
import type { Facts } from '../log/facts.ts';
import type { GuardUse } from '../log/guards.ts';
import type { Log, SeenRecord } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { KafkaRecord } from '../ports/source.ts';
import type { Filter } from '../views/filter.ts';
import { RecordFacts } from '../views/record_facts.ts';
import type { Positions } from '../wire/place.ts';

/** So many records of a key are looked at; one that has more before them counts as had. */
const MAX_BEFORE = 1000;

/**
 * Which keys a client may have that its filter does not let through any more: it has to be told that
 * they left, or it would keep them for ever.
 *
 * Nothing is kept for a client and key. The records that were superseded tell, as long as they are in
 * memory; what cannot be known is taken for what the client has. So it may hear of a key that it never had, and
 * never keeps one that has left.
 *
 * The trap: a key matches at 10 and fails at 50 and at 60. A client that passes 50 when the record at 60
 * has superseded it is told nothing there, so that it has to be told at 60; another one that was told at 50 has not.
 */
export class Leaves {
  readonly #filter: Filter;
  readonly #log: Log;
  readonly #facts: Facts;
  /** Where it began; what was there before it had anything is nothing to it. */
  readonly #from: Positions;
  /** Of what lies below it nothing has left that it had. */
  readonly newTo: Positions;
  /**
   * Below it stands what other gateways may have read, and passed over, before the client came here;
   * infinite as long as that is not known.
   */
  #settledSeq: number;
  /** Whether it was told of all that had left at some time. */
  isSure = false;
  /** Where that was last. */
  #sureSeq = 0;
  /** Says which keys it may see at all; `null` for all. */
  readonly guard: GuardUse | null;
  /** When it had all that there was, or began to have it, Unix milliseconds; and the end of the log then. */
  #hadAllAt: number;
  #hadAllSeq: number;
  readonly #isBack: boolean;
  /** Whether it has had all there is, and was not woken since. */
  #rests = false;

  /**
   * @param facts is told how many records were looked at
   * @param from where the client begins; 0 in partitions of which it may have had something
   * @param newTo where the log ended then, in partitions of which it had nothing; else 0
   * @param backSince when it had all, by the id that it came with, Unix milliseconds; `null` where it came with
   *   none: else another gateway may have told it something
   */
  constructor(
    filter: Filter,
    log: Log,
    facts: Facts,
    from: Positions,
    newTo: Positions,
    backSince: number | null,
  ) {
    this.#hadAllAt = backSince ?? Date.now();
    this.#hadAllSeq = log.nextSeq;
    this.#isBack = backSince !== null;
    this.guard = filter.guard === null ? null : log.guards!.use(filter.guard);
    this.#filter = filter;
    this.#log = log;
    this.#facts = facts;
    this.#from = from;
    this.newTo = newTo;
    this.#settledSeq = this.#isBack ? Number.POSITIVE_INFINITY : 0;
    log.linksKeys = true;
  }

  /** Whether it has been told all that other gateways may have passed over. */
  get isSettled(): boolean {
    return this.#settledSeq < Number.POSITIVE_INFINITY;
  }

  /** The log has all that Kafka had once the client had come. */
  settle(): void {
    if (!this.isSettled) this.#settledSeq = this.#log.nextSeq;
  }

  /** The client has been told of all that has left up to now. */
  hasAll(): void {
    if (!this.isSettled) return;
    this.isSure = true;
    this.#sureSeq = this.#log.nextSeq;
    this.#hadAllAt = Date.now();
    this.#hadAllSeq = this.#sureSeq;
  }

  /** It waits for what comes. @param hasAll whether it has all there is */
  waits(hasAll: boolean): void {
    this.#rests = hasAll && this.isSure;
  }

  /** There may be something for it, and it had all before what was read last. */
  stirs(): void {
    if (!this.#rests) return;
    this.#rests = false;
    this.#hadAllAt = Date.now();
    this.#hadAllSeq = Math.max(this.#hadAllSeq, this.#log.batchSeq);
  }

  /**
   * The time of an id of its, Unix seconds. Where not every key may be seen, by that it is told what may have left
   * its view since: so it is when the client last had all, or began to have it.
   */
  idTime(now: number | null): number | null {
    if (this.guard === null || now === null) return now;
    return Math.min(now, Math.floor(this.#hadAllAt / 1000));
  }

  /** Whether it is not known any more what has left since it last had all. */
  get isLost(): boolean {
    if (this.guard === null) return false;
    return this.#log.guards!.lacks(this.guard, this.#hadAllSeq, this.#isBack);
  }

  /** Of nobody any more. */
  close(): void {
    if (this.guard !== null) this.#log.guards!.letGo(this.guard);
  }

  /**
   * Whether a record that is not for the client, and was read back from below memory, takes a key from
   * it: those of the key before it are not at hand.
   */
  tellsBelow(facts: RecordFacts): boolean {
    const { partition, offset, key } = facts.record;
    if (key === null || offset < (this.newTo[partition] ?? 0)) return false;
    return this.#filter.mayWantKeyOf(facts) && this.#maySee(facts);
  }

  /** Whether the key is not kept from it: it is let through now, or was since it had all. */
  #maySee(facts: RecordFacts): boolean {
    const { guard } = this;
    if (guard === null || guard.guard.outcome(facts) === 'match') return true;
    const mayHaveAny = this.#isBack && !this.isSure;
    return this.#log.hadKey(guard, facts.record, mayHaveAny ? 0 : this.#hadAllSeq);
  }

  /** It gets a record that was read back. */
  gets(columns: Columns, at: number): void {
    if (this.guard?.shape.lacksMarks !== true) return;
    this.#log.guards!.learn(columns.record(at), this.guard);
  }

  /**
   * The same for a record in memory.
   * @param isPast whether the client is past a record of the same key before it
   */
  tells(
    facts: RecordFacts,
    segment: Segment,
    at: number,
    isPast: (one: SeenRecord) => boolean,
  ): boolean {
    if (!this.tellsBelow(facts)) return false;
    if (segment.seqs[at]! < this.#settledSeq) return true;
    let looked = 0;
    for (const before of this.#log.recordsBefore(segment, at)) {
      this.#facts.spend(1);
      if (before === null || ++looked > MAX_BEFORE) return true;
      const wasThere = this.#isOfBefore(before.record);
      if (isPast(before)) {
        if (before.record.offset < (this.#from[before.record.partition] ?? 0)) return false;
        const outcome = this.#facts.outcomeOf(
          this.#filter,
          new RecordFacts(before.record, before.values),
        );
        if (outcome === 'match' || outcome === 'unread') return true;
        if (before.seq < this.#sureSeq) return false;
      }
      if (wasThere) return false;
    }
    return false;
  }

  #isOfBefore({ partition, offset }: KafkaRecord): boolean {
    return offset < (this.newTo[partition] ?? 0);
  }
}
