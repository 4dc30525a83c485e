import type { Since } from '../http/since.ts';
import type { Offsets } from '../source.ts';
import { ByteWriter } from './byte_writer.ts';
import type { Cursor } from './cursor.ts';
import { writeId } from './frame.ts';
import { type Gap, type GapReason, gapFrame } from './gap.ts';
import { LiveMark } from './live_mark.ts';
import type { Log } from './log.ts';
import { coversAll, type Place, type Positions } from './place.ts';
import { resume } from './resume.ts';
import { Shared } from './shared.ts';
import { Notice, type Route, type Stretch } from './stretch.ts';
import { areSame, matches, NO_TOPIC_ID } from './topic_id.ts';
import type { TopicState } from './topic_state.ts';

/** Where a client wants to begin. */
export interface Start {
  readonly cursor: Cursor | null | 'unreadable';
  readonly since: Since | null;
}

/**
 * The first stretch: waits until the topic is loaded, and finds out where the client goes on.
 *
 * Whether a cursor is of another topic, or lies beyond the end, is never judged from what this
 * gateway has read: it may lag behind the one that made the cursor. The brokers are asked, and
 * only where there is a doubt.
 */
export class Opening implements Stretch {
  readonly #route: Route;
  readonly #start: Start;
  /** The log for which the question under way, or its answer, holds. */
  #askedFor: Log | null = null;
  #answer: ((log: Log) => Stretch | null) | null = null;
  /** Whether the brokers said once that the topic lacks a partition which the cursor names. */
  #wasDenied = false;
  /** Whether it waits until they are asked again. */
  #pauses = false;
  /** Where the reading stood when a client came that wants what comes from now on. */
  #now: Shared | null = null;

  constructor(route: Route, start: Start) {
    this.#route = route;
    this.#start = start;
    const isNew = start.cursor === null || start.cursor === 'unreadable';
    if (isNew && start.since === 'latest') this.#now = this.#standHere();
  }

  place(): null {
    return null;
  }

  take(): Stretch | null {
    const { cursor, since } = this.#start;
    const gap = cursor === 'unreadable' ? this.#gap('unreadable-cursor', []) : null;
    if (this.#now !== null)
      return new Notice(this.#firstBlock(this.#now.place(), gap, true), this.#now);
    const log = this.#route.feed.loadedLog;
    if (log === null || this.#pauses) return null;
    if (this.#askedFor === log) return this.#answer === null ? null : this.#answer(log);
    if (cursor === null || cursor === 'unreadable') {
      if (typeof since === 'number') return this.#startAtTime(log, since, gap);
      return this.#startAnew(log, since, gap);
    }
    const place = this.#placeOf(cursor, log);
    const doubtful =
      !matches(cursor.topicId, log.topicId) ||
      !coversAll(log.positions, place.positions) ||
      place.unknown.length > 0;
    if (!doubtful) return this.#goOn(log, place, null, cursor);
    this.#askState(log, (state) => this.#judge(log, cursor, state));
    return null;
  }

  /** A new client: from the beginning of the log, or live only. */
  #startAnew(log: Log, since: 'latest' | null, gap: Gap | null): Stretch | null {
    if (since === null) return this.#startAtBeginning(log, gap);
    const shared = this.#standHere()!;
    return new Notice(this.#firstBlock(shared.place(), gap, true), shared);
  }

  /**
   * Below memory the log starts are asked for: to a client that begins at an older one, what was
   * deleted before it came would look like a loss.
   */
  #startAtBeginning(log: Log, gap: Gap | null): Stretch | null {
    if (log.covers(this.#route.feed.starts))
      return this.#goOn(log, this.#beginning(log), gap, null);
    this.#askState(log, ({ starts }) => {
      const positions = Float64Array.from(
        log.positions,
        (_, partition) => starts.get(partition) ?? 0,
      );
      return this.#goOn(log, { topicId: log.topicId, positions, unknown: [] }, gap, null);
    });
    return null;
  }

  /** The end of what was read; `null` while the topic is not loaded. */
  #standHere(): Shared | null {
    const log = this.#route.feed.loadedLog;
    if (log === null) return null;
    this.#markLive(log);
    return new Shared(this.#route, log, log.nextSeq);
  }

  #startAtTime(log: Log, time: number, gap: Gap | null): null {
    const ask = (use: (offsets: Offsets | null) => void): (() => void) =>
      this.#route.feed.askOffsets(log, time, use);
    this.#ask(log, ask, (offsets) => {
      // Partitions were added meanwhile.
      if (offsets.size < log.positions.length) return this.#startAtTime(log, time, gap);
      const positions = Float64Array.from(log.positions, (_, partition) => offsets.get(partition)!);
      const place = { topicId: log.topicId, positions, unknown: [] };
      const next = this.#goOn(log, place, null, null);
      return new Notice(this.#firstBlock(place, gap, true), next);
    });
    return null;
  }

  /** With the brokers' answer: another topic, beyond the end, or only ahead of this gateway. */
  #judge(log: Log, cursor: Cursor, state: TopicState): Stretch | null {
    const place = this.#placeOf(cursor, log);
    const from = [...cursor.offsets].sort(([a], [b]) => a - b);
    if (!matches(cursor.topicId, log.topicId)) return this.#goOnInNewTopic(log, from);
    const { partitions } = state.description;
    if (place.unknown.some(([partition]) => partition >= partitions)) return this.#deny(log, from);
    const beyond = from.filter(([partition, next]) => next > (state.ends.get(partition) ?? next));
    if (beyond.length === 0) return this.#goOn(log, place, null, cursor);
    if (areSame(cursor.topicId, NO_TOPIC_ID)) return this.#goOnInNewTopic(log, from);
    const lost = beyond.map(([partition, next]) => {
      return { partition, from: next, to: state.ends.get(partition)! };
    });
    // Also of a partition that this gateway does not know yet.
    const ends = lost.map(({ partition, to }) => [partition, to] as const);
    const cut = { ...cursor, offsets: new Map([...cursor.offsets, ...ends]) };
    return this.#goOn(log, this.#placeOf(cut, log), this.#gap('truncated', lost), cut);
  }

  /** The topic lacks a partition that the cursor names; but what one broker knows takes time to spread. */
  #deny(log: Log, from: readonly [partition: number, offset: number][]): Stretch | null {
    if (this.#wasDenied) return this.#goOnInNewTopic(log, from);
    const { feed, subscription } = this.#route;
    this.#wasDenied = true;
    this.#pauses = true;
    const timer = setTimeout(() => {
      this.#pauses = false;
      this.#askedFor = null;
      subscription.wake();
    }, feed.deniedAgainMs);
    subscription.asks(() => clearTimeout(timer));
    return null;
  }

  #goOnInNewTopic(log: Log, from: readonly [partition: number, offset: number][]): Stretch {
    this.#route.subscription.isLive = false;
    const beginning = this.#beginning(log);
    const lost = from.map(([partition, offset]) => ({
      partition,
      from: offset,
      to: beginning.positions[partition] ?? 0,
    }));
    return this.#goOn(log, beginning, this.#gap('recreated', lost), null);
  }

  /** @param cursor what the client came with; `null` where it begins anew */
  #goOn(log: Log, place: Place, gap: Gap | null, cursor: Cursor | null): Stretch {
    this.#markLive(log);
    const block = gap === null ? null : this.#firstBlock(place, gap, false);
    // A partition that it came with is one of which it had something.
    this.#route.subscription.untouched = Uint8Array.from(place.positions, (_, partition) =>
      cursor?.offsets.has(partition) ? 0 : 1,
    );
    const next = resume(this.#route, log, place);
    return block === null ? next : new Notice(block, next);
  }

  /** What comes before the first record: a gap, or the id alone, so that a cut loses nothing. */
  #firstBlock(place: Place, gap: Gap | null, idAlone: boolean): Uint8Array {
    if (gap !== null) {
      this.#route.feed.traffic.sendGap(gap.reason);
      return gapFrame(gap, place);
    }
    const out = new ByteWriter(128);
    if (idAlone) writeId(out, place);
    return out.view();
  }

  #gap(reason: GapReason, partitions: Gap['partitions']): Gap {
    return { reason, topic: this.#route.feed.topic, partitions };
  }

  #markLive(log: Log): void {
    const { format, subscription } = this.#route;
    if (format.announcesLive && !subscription.isLive) subscription.live = new LiveMark(log);
  }

  #beginning(log: Log): Place {
    return { topicId: log.topicId, positions: this.#route.feed.starts.slice(), unknown: [] };
  }

  /** A partition that the cursor does not name is sent from its beginning. */
  #placeOf(cursor: Cursor, log: Log): Place {
    const positions: Positions = this.#route.feed.starts.slice();
    const unknown: [number, number][] = [];
    for (const [partition, offset] of cursor.offsets) {
      if (partition < positions.length) positions[partition] = offset;
      else unknown.push([partition, offset]);
    }
    return { topicId: log.topicId, positions, unknown: unknown.sort(([a], [b]) => a - b) };
  }

  #askState(log: Log, use: (state: TopicState) => Stretch | null): void {
    this.#ask(log, (take) => this.#route.feed.askState(log, take), use);
  }

  /** Keeps the client waiting for an answer, which holds only for the log that it was asked for. */
  #ask<T>(
    log: Log,
    ask: (take: (answer: T | null) => void) => () => void,
    use: (answer: T) => Stretch | null,
  ): void {
    const { subscription } = this.#route;
    this.#askedFor = log;
    this.#answer = null;
    subscription.asks(
      ask((answer) => {
        subscription.asks(null);
        if (answer === null) this.#askedFor = null;
        else this.#answer = () => use(answer);
        subscription.wake();
      }),
    );
  }
}

/**
 * Goes on in the log that took the place of another: the topic was made anew or cut, or its
 * policy is another. The client gets the same as one that comes back with its last id.
 */
export function moveOn(route: Route, from: Log, place: Place): Stretch {
  const offsets = new Map([...place.positions].map((offset, partition) => [partition, offset]));
  for (const [partition, offset] of place.unknown) offsets.set(partition, offset);
  return new Opening(route, { cursor: { topicId: from.topicId, offsets }, since: null });
}
