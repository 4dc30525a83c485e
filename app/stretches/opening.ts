import { MARGIN_MS } from '../log/guards.ts';
import type { Dropped, Log, LogEnd } from '../log/log.ts';
import type { Offsets } from '../ports/source.ts';
import type { Cursor } from '../wire/cursor.ts';
import type { Gap, GapReason } from '../wire/gap.ts';
import { coversAll, type Place, type Positions } from '../wire/place.ts';
import { areSame, matches, NO_TOPIC_ID } from '../wire/topic_id.ts';
import type { Client } from './client.ts';
import type { First, Start, Step } from './step.ts';
import type { Stretch } from './stretch.ts';
import type { TopicState } from './topic.ts';

/**
 * The first stretch: waits until the topic is loaded, and finds out where the client goes on.
 *
 * Whether a cursor is of another topic, or lies beyond the end, is never judged from what this
 * gateway has read: it may lag behind the one that made the cursor. The brokers are asked, and
 * only where there is a doubt.
 */
export class Opening implements Stretch {
  readonly isAhead = false;
  readonly isUrgent = true;
  readonly #client: Client;
  readonly #start: Start;
  /** The log for which the question under way, or its answer, holds. */
  #askedFor: Log | null = null;
  #answer: ((log: Log) => Step | null) | null = null;
  /** Whether Kafka dropped deletes while it was connected, and had not had them. */
  #lacksDeletes: boolean;
  /** Unix milliseconds. */
  readonly #cameAt = Date.now();
  /** Whether the brokers said once that the topic lacks a partition which the cursor names. */
  #wasDenied = false;
  /** Whether it waits until they are asked again. */
  #pauses = false;
  /** Where the reading stood when a client came that wants what comes from now on. */
  #now: LogEnd | null = null;

  constructor(client: Client, start: Start) {
    this.#client = client;
    this.#start = start;
    this.#lacksDeletes = start.lacksDeletes === true;
    const isNew = start.cursor === null || start.cursor === 'unreadable';
    if (isNew && start.since === 'latest') this.#now = this.#standHere();
  }

  place(): null {
    return null;
  }

  /** That of the id with which the client came. */
  get idTime(): number | null {
    const { cursor } = this.#start;
    return cursor === null || cursor === 'unreadable' ? null : (cursor.time ?? null);
  }

  behind(): null {
    return null;
  }

  isPast(): boolean {
    return false;
  }

  /** It finds out itself what that means for its client. */
  lacks({ log, past }: Dropped): boolean {
    const { cursor } = this.#start;
    if (cursor === null || cursor === 'unreadable' || log !== this.#client.topic.loadedLog)
      return false;
    for (const [partition, next] of cursor.offsets) {
      this.#lacksDeletes ||= next < (past[partition] ?? 0);
    }
    return false;
  }

  take(): Step | null {
    const { cursor, since } = this.#start;
    const gap = cursor === 'unreadable' ? this.#gap('unreadable-cursor', []) : null;
    if (this.#now !== null) return shareAt(this.#now, gap);
    const log = this.#client.topic.loadedLog;
    if (log === null || this.#pauses) return null;
    if (this.#askedFor === log) return this.#answer === null ? null : this.#answer(log);
    if (cursor === null || cursor === 'unreadable') {
      if (typeof since === 'number' && since < 0) return this.#startBeforeEnds(log, since, gap);
      if (typeof since === 'number') return this.#startAtTime(log, since, gap);
      return this.#startAnew(log, since, gap);
    }
    const place = this.#placeOf(cursor, log);
    const doubtful =
      this.#lacksDeletes ||
      this.#isLate(cursor) ||
      this.#lacksView(log, cursor) ||
      !matches(cursor.topicId, log.topicId) ||
      !coversAll(log.positions, place.positions) ||
      place.unknown.length > 0;
    if (!doubtful) return this.#goOn(log, place, cursor, null);
    this.#askState(log, (state) => this.#judge(log, cursor, state));
    return null;
  }

  /** A new client: from the beginning of the log, or live only. */
  #startAnew(log: Log, since: 'latest' | null, gap: Gap | null): Step | null {
    if (since === null) return this.#startAtBeginning(log, gap);
    return shareAt(this.#standHere()!, gap);
  }

  /**
   * Below memory the log starts are asked for: to a client that begins at an older one, what was
   * deleted before it came would look like a loss.
   */
  #startAtBeginning(log: Log, gap: Gap | null): Step | null {
    if (log.covers(this.#client.topic.starts))
      return this.#goOn(log, this.#beginning(log), null, gap);
    this.#askState(log, ({ starts }) => {
      const positions = Float64Array.from(
        log.positions,
        (_, partition) => starts.get(partition) ?? 0,
      );
      return this.#goOn(log, { topicId: log.topicId, positions, unknown: [] }, null, gap);
    });
    return null;
  }

  /** The end of what was read; `null` while the topic is not loaded. */
  #standHere(): LogEnd | null {
    const log = this.#client.topic.loadedLog;
    if (log === null) return null;
    const end = log.end();
    this.#client.comesTo(log, end.positions, null);
    return end;
  }

  #startAtTime(log: Log, time: number, gap: Gap | null): null {
    const ask = (use: (offsets: Offsets | null) => void): (() => void) =>
      this.#client.topic.askOffsets(log, time, use);
    this.#ask(log, ask, (offsets) => {
      // Partitions were added meanwhile.
      if (offsets.size < log.positions.length) return this.#startAtTime(log, time, gap);
      const positions = Float64Array.from(log.positions, (_, partition) => offsets.get(partition)!);
      const place = { topicId: log.topicId, positions, unknown: [] };
      return this.#goOn(log, place, null, gap ?? 'place');
    });
    return null;
  }

  /** @param back less than zero: so many offsets before the last stable ones */
  #startBeforeEnds(log: Log, back: number, gap: Gap | null): null {
    this.#askState(log, ({ starts, ends }) => {
      // A partition that came into being meanwhile is sent from its beginning.
      const positions = Float64Array.from(log.positions, (_, partition) =>
        Math.max(starts.get(partition) ?? 0, (ends.get(partition) ?? 0) + back),
      );
      const place = { topicId: log.topicId, positions, unknown: [] };
      return this.#goOn(log, place, null, gap ?? 'place');
    });
    return null;
  }

  /** With the brokers' answer: another topic, beyond the end, or only ahead of this gateway. */
  #judge(log: Log, cursor: Cursor, state: TopicState): Step | null {
    const place = this.#placeOf(cursor, log);
    const from = [...cursor.offsets].sort(([a], [b]) => a - b);
    if (!matches(cursor.topicId, log.topicId)) return this.#goOnInNewTopic(log, from);
    const { partitions } = state.description;
    if (place.unknown.some(([partition]) => partition >= partitions)) return this.#deny(log, from);
    const wasWritten = from.some(([partition, next]) => (state.ends.get(partition) ?? next) > next);
    if (this.#lacksDeletes || (wasWritten && this.#isLate(cursor)))
      return this.#startOver(log, 'deletes', from, state);
    const beyond = from.filter(([partition, next]) => next > (state.ends.get(partition) ?? next));
    const lacksView = this.#lacksView(log, cursor);
    if (lacksView && (wasWritten || beyond.length > 0 || this.#isOfOldGuard(cursor)))
      return this.#startOver(log, 'view', from, state);
    if (beyond.length === 0) return this.#goOn(log, place, cursor, null, lacksView);
    if (areSame(cursor.topicId, NO_TOPIC_ID)) return this.#goOnInNewTopic(log, from);
    const lost = beyond.map(([partition, next]) => {
      return { partition, from: next, to: state.ends.get(partition)! };
    });
    // Also of a partition that this gateway does not know yet.
    const ends = lost.map(({ partition, to }) => [partition, to] as const);
    const cut = { ...cursor, offsets: new Map([...cursor.offsets, ...ends]) };
    return this.#goOn(log, this.#placeOf(cut, log), cut, this.#gap('truncated', lost));
  }

  /** The topic lacks a partition that the cursor names; but what one broker knows takes time to spread. */
  #deny(log: Log, from: readonly [partition: number, offset: number][]): Step | null {
    if (this.#wasDenied) return this.#goOnInNewTopic(log, from);
    const { topic } = this.#client;
    this.#wasDenied = true;
    this.#pauses = true;
    const timer = setTimeout(() => {
      this.#pauses = false;
      this.#askedFor = null;
      this.#client.wake();
    }, topic.deniedAgainMs);
    this.#client.asks(() => clearTimeout(timer));
    return null;
  }

  #goOnInNewTopic(log: Log, from: readonly [partition: number, offset: number][]): Step {
    return this.#beginAnew(log, 'recreated', from, this.#beginning(log));
  }

  /** Whether the client was away for so long that deletes may be gone which it never had. */
  #isLate({ time }: Cursor): boolean {
    return time !== undefined && this.#client.topic.idClock?.isLate(time, this.#cameAt) === true;
  }

  /** Whether keys may have left that it was let see, and it is not known any more which. */
  #lacksView(log: Log, cursor: Cursor): boolean {
    const { filter } = this.#client.view;
    if (filter === null || filter.guard === null || !log.tellsLeave(filter)) return false;
    // One that has had nothing of any partition lacks nothing.
    if (cursor.offsets.size === 0) return false;
    return (
      cursor.time === undefined ||
      this.#isOfOldGuard(cursor) ||
      !log.guards!.knowsSince(filter.guard, cursor.time)
    );
  }

  /** Whether it came with an id of before the streams file had what its stream lets through. */
  #isOfOldGuard({ time }: Cursor): boolean {
    const { filter } = this.#client.view;
    if (filter === null || filter.guard === null || filter.guardSince === 0) return false;
    return time === undefined || time * 1000 < filter.guardSince + MARGIN_MS;
  }

  /** What it has and does not get again was deleted, or has left its view. */
  #startOver(
    log: Log,
    reason: 'deletes' | 'view',
    from: readonly [partition: number, offset: number][],
    { starts }: TopicState,
  ): Step {
    const positions = log.positions.map((_, partition) => starts.get(partition) ?? 0);
    return this.#beginAnew(log, reason, from, { topicId: log.topicId, positions, unknown: [] });
  }

  #beginAnew(
    log: Log,
    reason: GapReason,
    from: readonly [partition: number, offset: number][],
    beginning: Place,
  ): Step {
    this.#client.beginsAnew();
    const lost = from.map(([partition, offset]) => ({
      partition,
      from: offset,
      to: beginning.positions[partition] ?? 0,
    }));
    return this.#goOn(log, beginning, null, this.#gap(reason, lost));
  }

  /**
   * @param cursor what the client came with; `null` where it begins anew
   * @param hasAll whether nothing was written since
   */
  #goOn(
    log: Log,
    place: Place,
    cursor: Cursor | null,
    first: First,
    hasAll: boolean = false,
  ): Step {
    this.#client.comesTo(log, place.positions, cursor, hasAll);
    if (cursor?.time !== undefined) this.#client.idTime = cursor.time;
    return { resume: log, place, first };
  }

  #gap(reason: GapReason, partitions: Gap['partitions']): Gap {
    return { reason, topic: this.#client.topic.topic, partitions };
  }

  #beginning(log: Log): Place {
    return { topicId: log.topicId, positions: this.#client.topic.starts.slice(), unknown: [] };
  }

  /** A partition that the cursor does not name is sent from its beginning. */
  #placeOf(cursor: Cursor, log: Log): Place {
    const positions: Positions = this.#client.topic.starts.slice();
    const unknown: [number, number][] = [];
    for (const [partition, offset] of cursor.offsets) {
      if (partition < positions.length) positions[partition] = offset;
      else unknown.push([partition, offset]);
    }
    return { topicId: log.topicId, positions, unknown: unknown.sort(([a], [b]) => a - b) };
  }

  #askState(log: Log, use: (state: TopicState) => Step | null): void {
    this.#ask(log, (take) => this.#client.topic.askState(log, take), use);
  }

  /** Keeps the client waiting for an answer, which holds only for the log that it was asked for. */
  #ask<T>(
    log: Log,
    ask: (take: (answer: T | null) => void) => () => void,
    use: (answer: T) => Step | null,
  ): void {
    this.#askedFor = log;
    this.#answer = null;
    this.#client.asks(
      ask((answer) => {
        this.#client.asks(null);
        if (answer === null) this.#askedFor = null;
        else this.#answer = () => use(answer);
        this.#client.wake();
      }),
    );
  }
}

/** Goes on with what comes from then on. */
function shareAt(end: LogEnd, gap: Gap | null): Step {
  return { share: end, liveFrom: end.seq, first: gap ?? 'place' };
}
