import { Shares } from '../counts/shares.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import { ByteWriter } from '../wire/byte_writer.ts';
import { parseAnyCursor } from '../wire/cursor.ts';
import { FRESH_FRAME, writeEvent } from '../wire/frame.ts';
import { areSameParts, type CursorPart, writeTopicsCursor } from '../wire/topics_cursor.ts';
import type { MergedLog } from './merged_log.ts';
import type { MergedGroup } from './merged_logs.ts';
import type { StartOfSeveral } from './several_cursors.ts';
import {
  earlier,
  isAgeingIn,
  SeveralTopics,
  staleBlockOf,
  type TopicOfStream,
} from './several_topics.ts';

/** Bytes handed to a socket at once. */
const MAX_ARRAY_BYTES = 64 * 1024;

/** A place in a log that several have. */
interface Place {
  readonly log: MergedLog;
  /** The next page. */
  at: number;
  /** What its last id says of each topic, or it has without one, and that id's time. */
  parts: readonly (CursorPart | null)[];
  time: number | null;
  /** How old its id counts as: what reads for all knows that of what it read alone. */
  ageFrom: number | null;
}

/**
 * A client of several topics that goes on for ever (docs/how_it_works.md): it reads by itself until it is where others are, and
 * by itself again once it has fallen back.
 */
export class MergedStream implements ClientStream {
  readonly isOver = false;
  readonly endId = null;
  readonly #topics: readonly TopicOfStream[];
  readonly #group: MergedGroup;
  #own: SeveralTopics | null;
  #place: Place | null = null;
  /** What is left of a page that is larger than one array. */
  #bytes: Uint8Array | null = null;
  #isToldStale = false;
  #wake: (() => void) | null = null;
  isShared = false;
  readonly #shares = new Shares();

  constructor(topics: readonly TopicOfStream[], group: MergedGroup, start: StartOfSeveral) {
    this.#topics = topics;
    this.#group = group;
    this.#own = new SeveralTopics(topics, start, null, { everyMs: group.everyMs });
    group.enter();
  }

  get isWithinBlock(): boolean {
    return this.#bytes !== null || this.#own?.isWithinBlock === true;
  }

  get isAgeing(): boolean {
    if (this.#place === null) return this.#own!.isAgeing;
    return isAgeingIn(this.#topics, this.#place.ageFrom);
  }

  get behind(): number | null {
    return this.#place === null ? this.#own!.behind : this.#place.log.behind(this.#place.at);
  }

  get eventsSent(): number {
    let sum = 0;
    for (const { topic } of this.#topics) sum += topic.traffic.eventsSent;
    return sum;
  }

  take(isIdle = false): Uint8Array | null {
    this.isShared = false;
    if (this.#bytes !== null) return this.#portion(this.#bytes);
    if (this.#place === null) {
      const bytes = this.#own!.take(isIdle) ?? this.#lookAround(isIdle);
      if (bytes !== null || isIdle || !this.#join()) return bytes;
    }
    const place = this.#place!;
    if (isIdle) place.log.look();
    if (this.#isStale !== this.#isToldStale) return this.#tellStale();
    const slice = place.log.take(place.at);
    if (slice === 'gone') {
      this.#leave();
      return this.take(isIdle);
    }
    if (slice === null && this.#moveOn(place)) return this.take(isIdle);
    if (slice === null) return isIdle ? this.#tellPlace(place) : null;
    place.at = slice.next;
    place.parts = slice.parts;
    place.time = slice.time;
    place.ageFrom = slice.time;
    for (const note of slice.notes) note.count();
    for (const [traffic, bytes] of slice.shares) this.#shares.add(traffic, bytes);
    this.isShared =
      place.at === place.log.end &&
      slice.bytes.length <= MAX_ARRAY_BYTES &&
      this.#group.isOpen(place.log);
    return this.#portion(slice.bytes);
  }

  wait(wake: () => void): void {
    this.#wake = wake;
    if (this.#place === null) this.#own!.wait(this.wake);
    else this.#place.log.wait(this);
  }

  /** Ends the wait. */
  readonly wake = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    try {
      wake?.();
    } catch (error) {
      this.#group.failed(error);
    }
  };

  sent(bytes: number, plain: number): void {
    if (this.#place === null) this.#own!.sent(bytes, plain);
    else this.#shares.hand(bytes, plain, this.#topics[0]!.topic.traffic);
  }

  expired(): Uint8Array {
    this.isShared = false;
    if (this.#place === null) return this.#own!.expired();
    const { parts, time } = this.#place;
    const [{ topic }] = this.#topics as [TopicOfStream];
    topic.traffic.send({ events: 1, gaps: 0 });
    const frame = new ByteWriter(256);
    writeEvent(frame, 'expired', (out) => writeTopicsCursor(out, parts, time));
    return frame.view();
  }

  close(): void {
    this.#wake = null;
    if (this.#place === null) this.#own!.close();
    else this.#place.log.leave(this, this.#place.at);
    this.#group.leave();
  }

  /** Comes to the end of all topics, if it may join others there. */
  #lookAround(isIdle: boolean): Uint8Array | null {
    if (isIdle || !this.#own!.isSettled || this.#group.isForOne) return null;
    this.#own!.look();
    return this.#own!.take();
  }

  /** Reads with others from now on, where it is where they are. */
  #join(): boolean {
    const own = this.#own!;
    if (!own.isSettled || this.#group.isForOne) return false;
    const { parts, time } = own.told;
    const log = this.#group.logFor(own, this.#topics);
    if (log === null) return false;
    this.#place = { log, at: log.end, parts, time, ageFrom: earlier(time, log.time) };
    this.#isToldStale = this.#isStale;
    log.join();
    this.#group.joined();
    if (!log.isReadBy(own)) own.close();
    this.#own = null;
    return true;
  }

  /** Reads by itself: what comes next is not kept any more. */
  #leave(): void {
    const { log, at, parts, time } = this.#place!;
    const id = new ByteWriter(256);
    writeTopicsCursor(id, parts, time);
    const cursor = parseAnyCursor(new TextDecoder().decode(id.view()))!;
    const start = { cursor, since: null };
    const { everyMs } = this.#group;
    const how = { wasToldLive: true, isToldStale: this.#isToldStale, everyMs };
    this.#own = new SeveralTopics(this.#topics, start, null, how);
    this.#place = null;
    log.leave(this, at);
    this.#group.fellBack();
  }

  /** Goes over to the log in which others join, where that has come to the same place. */
  #moveOn(place: Place): boolean {
    const { places } = place.log;
    if (this.#group.isOpen(place.log) || places === null) return false;
    const log = this.#group.logAt(places);
    if (log === null) return false;
    place.log.leave(this, place.at);
    log.join();
    this.#place = { ...place, log, at: log.end, ageFrom: earlier(place.ageFrom, log.time) };
    return true;
  }

  get #isStale(): boolean {
    return staleBlockOf(this.#topics) !== null;
  }

  #tellStale(): Uint8Array {
    this.#isToldStale = this.#isStale;
    this.#topics[0]!.topic.traffic.send({ events: 1, gaps: 0 });
    return staleBlockOf(this.#topics) ?? FRESH_FRAME;
  }

  #tellPlace(place: Place): Uint8Array | null {
    const { places } = place.log;
    if (places === null || !(this.isAgeing || !areSameParts(places, place.parts))) return null;
    const { bytes, time } = place.log.placeFrame(places);
    const isLater = (time ?? 0) > (place.time ?? 0);
    if (!isLater && areSameParts(places, place.parts)) return null;
    place.parts = places;
    place.time = time;
    place.ageFrom = time;
    this.#topics[0]!.topic.traffic.send({ events: 1, gaps: 0 });
    return bytes;
  }

  #portion(bytes: Uint8Array): Uint8Array {
    this.#bytes = bytes.length > MAX_ARRAY_BYTES ? bytes.subarray(MAX_ARRAY_BYTES) : null;
    return this.#bytes === null ? bytes : bytes.subarray(0, MAX_ARRAY_BYTES);
  }
}
