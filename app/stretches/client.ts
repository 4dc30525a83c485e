import { getLogger } from '@logtape/logtape';
import type { Columns } from '../log/columns.ts';
import type { Log, LogEnd } from '../log/log.ts';
import type { Offsets } from '../ports/source.ts';
import { resultOfOutcome } from '../views/filter.ts';
import { RecordFacts } from '../views/record_facts.ts';
import type { View } from '../views/view.ts';
import type { Cursor } from '../wire/cursor.ts';
import type { Positions } from '../wire/place.ts';
import type { Until } from '../wire/until.ts';
import { Leaves } from './leaves.ts';
import type { NewFrom, Stretch } from './stretch.ts';
import type { Topic } from './topic.ts';

const logger = getLogger(['sse-kafka', 'feed']);

const NO_PARTITIONS: Uint8Array = new Uint8Array(0);

/** The record itself, that its key has left the client's view, or that this cannot be told; `null` for nothing. */
export type Told = 'record' | 'leave' | 'unread' | null;

/** What is known of one client, whichever stretch it is on. */
export class Client {
  readonly topic: Topic;
  readonly view: View;
  /** Whether its place has moved since the last id that it was told. */
  isPastId = false;
  /** The time of that id; `null` where it had none. */
  idTime: number | null = null;
  /**
   * Where the log ended when it began, in the partitions of which it had nothing: what was deleted
   * there before is nothing to it. `null` before it has a place.
   */
  newFrom: NewFrom | null = null;
  /** Of which keys it has to be told that they left; `null` where none can, and before it has a place. */
  leaves: Leaves | null = null;
  /** When its stream ends by itself; `null` for never. */
  readonly until: Until | null;
  #wake: (() => void) | null = null;
  /** Takes back what is being asked for it. */
  #takeBack: (() => void) | null = null;
  /** Where it has all that was there when it came; `null` where that is not asked for, or it has. */
  #liveAt: LogEnd | null = null;
  /** Whether it has all that was there when it came, where that is asked for. */
  isPastLive = false;
  /**
   * What Kafka has in a log that this gateway may not have read; `ends` once that is told. Of a client
   * whose stream ends there: it must not miss what another gateway has read.
   */
  #kafkas: { readonly log: Log; readonly ends: Offsets | null } | null = null;
  /** 1 for each partition in which it has no place yet. */
  #untouched: Uint8Array = NO_PARTITIONS;

  constructor(topic: Topic, view: View, until: Until | null = null) {
    this.topic = topic;
    this.view = view;
    this.until = until;
  }

  /** Calls `wake` once, when it is woken. */
  onWake(wake: (() => void) | null): void {
    this.#wake = wake;
  }

  get isWaiting(): boolean {
    return this.#wake !== null;
  }

  /**
   * What it is told by the record in a row, which is the latest of its key.
   * @param leaves whether the key leaves its view by it, where it is not for the client
   */
  toldBy(
    columns: Columns,
    at: number,
    leaves: (leaves: Leaves, facts: RecordFacts) => boolean,
  ): Told {
    const { filter } = this.view;
    if (filter === null) return 'record';
    const { facts, traffic } = this.topic;
    const outcome = facts.outcome(filter, columns, at);
    traffic.filterRecords[resultOfOutcome(outcome)]++;
    if (outcome === 'match') return 'record';
    if (outcome === 'unread') return 'unread';
    const asked = (): RecordFacts => new RecordFacts(columns.record(at), columns.values);
    return this.leaves !== null && leaves(this.leaves, asked()) ? 'leave' : null;
  }

  /** There may be something for it. It never throws: those who are woken after it would wait on. */
  wake(): void {
    // What it takes now would be noted for others.
    if (this.topic.traffic.notes !== null) {
      queueMicrotask(() => this.wake());
      return;
    }
    const wake = this.#wake;
    this.#wake = null;
    this.leaves?.stirs();
    try {
      wake?.();
    } catch (error) {
      logger.error('A client cannot be woken: {error}', { error });
    }
  }

  /** Something is asked for it; in the place of what was asked before. */
  asks(takeBack: (() => void) | null): void {
    this.#takeBack?.();
    this.#takeBack = takeBack;
  }

  /**
   * It goes on at these positions. Once it has what is in the log now it is live, and told so, once, if it
   * is to be told.
   * @param cursor what it came with; `null` where it begins anew
   * @param hasAll whether nothing was written since
   */
  comesTo(log: Log, positions: Positions, cursor: Cursor | null, hasAll: boolean = false): void {
    this.#goesOnAt(log, positions, cursor, hasAll);
    if (this.until !== null || this.leaves?.isSettled === false) this.#askKafka(log);
    else if (this.#asksWhenLive && !this.isPastLive) this.#liveAt = log.end();
  }

  /** Whether it is told once it is live. */
  get tellsLive(): boolean {
    return this.until !== null || this.view.format.announcesLive;
  }

  /** Beats begin then. */
  get #asksWhenLive(): boolean {
    return this.tellsLive || this.view.pace !== null;
  }

  /** What was asked for it where it was does not count any more. */
  isOpening(): void {
    this.asks(null);
    this.#kafkas = null;
    this.#letGo();
  }

  /** The topic is another: what it was told of the one before does not count. */
  beginsAnew(): void {
    this.isPastLive = false;
  }

  /** Whether it waits for the feed to read what Kafka has, which may be cut meanwhile. */
  get awaitsFeed(): boolean {
    return this.#kafkas !== null;
  }

  /** Where its stream ends, unless its key was superseded; `null` while that is not known. */
  get end(): LogEnd | null {
    if (this.#kafkas !== null) this.#settleEnd(this.#kafkas);
    return this.#liveAt;
  }

  /** Whether it is live now, and was not before. */
  isLiveOn(stretch: Stretch): boolean {
    if (this.#kafkas !== null) this.#settleEnd(this.#kafkas);
    if (this.#liveAt === null || !stretch.isPast(this.#liveAt)) return false;
    if (this.until === null || this.#hasAllKeys(this.#liveAt)) return true;
    this.#liveAt = this.#liveAt.log.end();
    return false;
  }

  /** The last stable offsets, asked for now. */
  #askKafka(log: Log): void {
    this.#liveAt = null;
    this.#kafkas = { log, ends: null };
    this.asks(
      this.topic.askState(log, (state) => {
        this.asks(null);
        if (state !== null) this.#kafkas = { log, ends: state.ends };
        // With another log it asks again by itself, as it comes to it.
        else if (log.successor === null) this.#askKafka(log);
        this.wake();
      }),
    );
  }

  /** Knows where its end is once the feed has read what Kafka had, or cannot. */
  #settleEnd({ log, ends }: { log: Log; ends: Offsets | null }): void {
    const hasAll = ends !== null && this.#hasRead(log, ends);
    if (!hasAll && this.topic.staleBlock === null) return;
    if (hasAll) this.leaves?.settle();
    // What has left may be known later than that it is live: as far as this gateway can tell.
    if (hasAll || this.until !== null) {
      this.asks(null);
      this.#kafkas = null;
    }
    if (this.until !== null || (this.#asksWhenLive && !this.isPastLive)) this.#liveAt ??= log.end();
  }

  /** A log that was cut since ends earlier than it was told. */
  #hasRead({ positions }: Log, ends: Offsets): boolean {
    for (const [partition, end] of ends) {
      const seen = this.topic.ends.get(partition) ?? end;
      if ((positions[partition] ?? 0) < Math.min(end, seen)) return false;
    }
    return true;
  }

  /**
   * What was superseded before a client had it was left out: a stream that ended here would lack its
   * key, where the later record lies beyond the end.
   */
  #hasAllKeys({ log, seq }: LogEnd): boolean {
    return log.keys === null || log.nextSeq === seq;
  }

  /** Whether it was told that it is live, and nothing has begun anew since. */
  get isTold(): boolean {
    return this.isPastLive && this.#liveAt === null;
  }

  isToldLive(): void {
    this.#liveAt = null;
    this.isPastLive = true;
  }

  /** What was deleted in a partition of which it has had nothing is no loss to it. */
  #goesOnAt(log: Log, positions: Positions, cursor: Cursor | null, hasAll: boolean): void {
    this.newFrom = {
      seq: cursor === null ? log.nextSeq : 0,
      positions: log.positions.map((end, partition) => (cursor?.offsets.has(partition) ? 0 : end)),
    };
    this.#untouched = Uint8Array.from(positions, (_, partition) =>
      cursor?.offsets.has(partition) ? 0 : 1,
    );
    const { filter } = this.view;
    this.#letGo();
    if (filter === null || !log.tellsLeave(filter)) return;
    const from = positions.map((next, partition) => (cursor?.offsets.has(partition) ? 0 : next));
    // Without a time it goes on only where there is nothing that it could lack.
    const { time } = cursor ?? {};
    const hadAllAt = hasAll || time === undefined ? Date.now() : time * 1000;
    const backSince = cursor === null ? null : hadAllAt;
    const { facts } = this.topic;
    this.leaves = new Leaves(filter, log, facts, from, this.newFrom.positions, backSince);
  }

  /** The time of an id that is made for it now; `null` on a topic that is not compacted. */
  timeOn({ idTime }: Log): number | null {
    return this.leaves === null ? idTime : this.leaves.idTime(idTime);
  }

  /** It goes away. */
  close(): void {
    this.onWake(null);
    this.asks(null);
    this.#letGo();
  }

  #letGo(): void {
    this.leaves?.close();
    this.leaves = null;
  }

  /** Whether it has no place in a partition yet. */
  isNewTo(partition: number): boolean {
    return this.#untouched[partition] === 1;
  }

  isNewToAny(): boolean {
    return this.#untouched.includes(1);
  }

  /** It got a block, which gives it a place in all partitions. */
  gotBlock(): void {
    this.#untouched = NO_PARTITIONS;
  }

  /** It got a block whose id is its place, of that time. */
  gotPlace(time: number | null): void {
    this.gotBlock();
    this.isPastId = false;
    this.idTime = time;
  }

  /** Whether its last id will soon be too old to tell how long it was away. */
  get isAgeing(): boolean {
    if (this.idTime === null) return false;
    return this.topic.idClock?.isAgeing(this.idTime) ?? false;
  }
}
