import { type Share, Shares } from '../counts/shares.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import type { Start } from '../stretches/step.ts';
import type { Subscription } from '../stretches/subscription.ts';
import type { Topic } from '../stretches/topic.ts';
import { BlocksOfSeveral, type NameOfSeveral } from '../wire/blocks_of_several.ts';
import { ByteWriter } from '../wire/byte_writer.ts';
import { FRESH_FRAME, writeEvent } from '../wire/frame.ts';
import {
  areSameParts,
  type CursorPart,
  partOfCursor,
  partOfPlace,
  writeTopicsCursor,
} from '../wire/topics_cursor.ts';
import type { Until } from '../wire/until.ts';
import { type StartOfSeveral, startsOf } from './several_cursors.ts';

/** Bytes at which no more topics are taken from for one page. */
const PAGE_BYTES = 32 * 1024;
/** What one large record has made larger is not held for ever. */
const MAX_HELD_BYTES = 4 * PAGE_BYTES;

/** One topic of a stream of several, and how it is read for a client. */
export interface TopicOfStream {
  readonly name: NameOfSeveral;
  readonly topic: Topic;
  subscribe(start: Start, until: Until | null): Subscription;
}

export interface HowItBegins {
  /** Whether no record is to come before it is known where each topic begins. */
  readonly beginsTogether?: boolean;
  /** Whether its client goes on where it was live in all of them. */
  readonly wasToldLive?: boolean;
  readonly isToldStale?: boolean;
  /** Between two beats; left out or `null`: none. */
  readonly everyMs?: number | null;
}

/** A topic as one client reads it. */
class Member {
  readonly name: NameOfSeveral;
  readonly topic: Topic;
  readonly subscription: Subscription;
  /** What the client's ids say of it; `null` before that is known: then it is sent from its beginning. */
  part: CursorPart | null;
  /** Whether there may be something to take. */
  isReady = true;
  /** Whether all that it had at a beat was taken. */
  isPastBeat = false;
  /** What its client is told of where it goes on, and was not given yet. */
  #first: Uint8Array | null = null;
  readonly #onWake: () => void;

  constructor(
    { name, topic, subscribe }: TopicOfStream,
    start: Start,
    until: Until | null,
    wake: () => void,
  ) {
    const { cursor } = start;
    this.name = name;
    this.topic = topic;
    this.subscription = subscribe(start, until);
    const isKnown = cursor !== null && cursor !== 'unreadable';
    this.part = isKnown ? partOfCursor(name.nameHash, cursor) : null;
    this.#onWake = () => {
      this.isReady = true;
      wake();
    };
  }

  /** Whether it is known where it goes on. */
  get hasBegun(): boolean {
    return this.subscription.place !== null;
  }

  /** Finds out where it goes on, and no more. */
  begin(): void {
    this.#first = this.subscription.begin();
    if (this.hasBegun) return;
    this.isReady = false;
    this.wait();
  }

  take(): Uint8Array | null {
    const blocks = this.#first ?? this.subscription.takeBlocks();
    this.#first = null;
    if (blocks !== null) return blocks;
    this.isReady = false;
    // At once: what it waits for may come while others are taken from.
    this.wait();
    return null;
  }

  wait(): void {
    this.subscription.wait(this.#onWake);
  }

  /** Whether its place has moved since the last id: a client that comes back passes what it has. */
  get isPastId(): boolean {
    const { place, isPastId } = this.subscription;
    if (!isPastId || place === null) return false;
    return !areSameParts([this.part], [partOfPlace(this.name.nameHash, place)]);
  }

  /** Ids name where it is from now on. */
  namePlace(): void {
    const { place } = this.subscription;
    if (place !== null) this.part = partOfPlace(this.name.nameHash, place);
  }
}

/** One for all whose pages are put together one after the other. */
let spare = new ByteWriter(0);

/** The earlier of two times of ids; `null` where neither has one. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** Whether an id of that time, which tells of all of them, will soon be too old. */
export function isAgeingIn(topics: readonly TopicOfStream[], time: number | null): boolean {
  return time !== null && topics.some(({ topic }) => topic.idClock?.isAgeing(time) === true);
}

/** Whether a block with such an id must not be sent any more. */
export function isTooOldIn(topics: readonly TopicOfStream[], time: number | null): boolean {
  return time !== null && topics.some(({ topic }) => topic.idClock?.isTooOld(time) === true);
}

/** That of the first of the topics that is stale, then all they show may be old; `null` where none is. */
export function staleBlockOf(topics: readonly TopicOfStream[]): Uint8Array | null {
  for (const { topic } of topics) if (topic.staleBlock !== null) return topic.staleBlock;
  return null;
}

/**
 * One client of several topics: a place in each. It takes from those that have something, in turn, so
 * that a busy one holds up no other, and gives each block the id of all.
 *
 * What is told of a stream, `live`, `place`, `stale`, `expired`, is told of the whole.
 */
export class SeveralTopics implements ClientStream {
  isOver = false;
  readonly #topics: readonly TopicOfStream[];
  readonly #start: StartOfSeveral;
  readonly #until: Until | null;
  /** In order of the bytes of their names; `null` while it is not known where it begins in each. */
  #members: readonly Member[] | null = null;
  /** Who is told that more is known of a topic. */
  readonly #sleeper = { isAhead: false, wake: (): void => this.#wakeUp() };
  /** The blocks under way, and whose they are. */
  #blocks: BlocksOfSeveral | null = null;
  #source: Member | null = null;
  /** The member after which it is the next one's turn. */
  #turn = -1;
  #isToldStale = false;
  readonly isShared = false;
  readonly #shares = new Shares();
  readonly #beginsTogether: boolean;
  readonly #wasToldLive: boolean;
  readonly #everyMs: number | null;
  /** When the beat began that it is at; `null` while it is at none. */
  #beatFrom: number | null = null;
  /** When the next one is due, in milliseconds of `performance.now()`. */
  #nextBeat = 0;
  #beatTimer: ReturnType<typeof setTimeout> | undefined;
  /** Bytes at which a page ends within a block; left out: its own. */
  #maxPageBytes: number | undefined;
  #wake: (() => void) | null = null;
  /** The time of the ids that are made now. */
  #time: number | null = null;
  /** The time of the last id that its client has; `null` where it had none. */
  #idTime: number | null;
  #waitsNoMore = true;
  #waitTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param topics in order of the bytes of their names
   * @param until when it is over; `null` for never
   */
  constructor(
    topics: readonly TopicOfStream[],
    start: StartOfSeveral,
    until: Until | null = null,
    { beginsTogether = false, wasToldLive = false, isToldStale = false, everyMs }: HowItBegins = {},
  ) {
    this.#everyMs = everyMs ?? null;
    this.#wasToldLive = wasToldLive;
    this.#isToldStale = isToldStale;
    this.#topics = topics;
    this.#start = start;
    const { cursor } = start;
    this.#idTime = (cursor !== 'unreadable' && cursor?.time) || null;
    this.#until = until;
    this.#beginsTogether = beginsTogether;
    this.#begin();
    if (until !== null && until.waitMs > 0) this.#waitFor(until.waitMs);
  }

  get isWithinBlock(): boolean {
    return this.#blocks?.isWithinBlock === true;
  }

  get isAgeing(): boolean {
    return this.#members?.some(({ subscription }) => subscription.isAgeing) ?? false;
  }

  get behind(): number | null {
    const known = (this.#members ?? [])
      .map(({ subscription }) => subscription.behind)
      .filter((count) => count !== null);
    return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
  }

  get endId(): string | null {
    const parts: CursorPart[] = [];
    for (const { subscription, name } of this.#members ?? []) {
      const { end } = subscription;
      if (end === null) return null;
      parts.push(partOfPlace(name.nameHash, end));
    }
    if (parts.length === 0) return null;
    const id = new ByteWriter(256);
    writeTopicsCursor(id, parts, null);
    return new TextDecoder().decode(id.view());
  }

  get eventsSent(): number {
    return this.#topics.reduce((sum, { topic }) => sum + topic.traffic.eventsSent, 0);
  }

  take(isIdle = false): Uint8Array | null {
    const staleBlock = staleBlockOf(this.#topics);
    if (!this.isWithinBlock && (staleBlock !== null) !== this.#isToldStale) {
      this.#isToldStale = staleBlock !== null;
      this.#topics[0]!.topic.traffic.send({ events: 1, gaps: 0 });
      // Without an id: its place does not move.
      return staleBlock ?? FRESH_FRAME;
    }
    if (!this.#begin()) return null;
    if (isIdle) this.look();
    const before = this.eventsSent;
    const page = this.#page();
    if (this.eventsSent > before) this.#waitsNoMore = true;
    if (page !== null) return page;
    if (this.#isLive()) return this.#announceLive();
    return isIdle ? this.#tellPlace() : null;
  }

  /** Reads for all who stand where it is from now on: its blocks come whole. */
  readsForAll(): void {
    this.#maxPageBytes = Number.POSITIVE_INFINITY;
  }

  /** Its next ids name where it is in each topic now, for one who joins it here: its own may say that already. */
  namePlaces(): void {
    for (const member of this.#members!) member.namePlace();
  }

  /** What comes next for all who stand where it is; without what is told to each of them. */
  takeForAll(): Uint8Array | null {
    return this.#page() ?? (this.#isLive() ? this.#announceLive() : null);
  }

  /**
   * The next take asks all topics: also those that have nothing for its client, whose places have moved
   * with what others get, and those of which it is still to be told.
   */
  look(): void {
    for (const member of this.#members ?? []) member.isReady = true;
  }

  /** Of which topics what was taken last for all is. */
  takeShares(): readonly Share[] {
    return this.#shares.take();
  }

  /** Tells all where they are. */
  placeForAll(): Uint8Array {
    return this.#tell('place');
  }

  /** Whether it is live in all topics, was told so, and has nothing more to take. */
  get isSettled(): boolean {
    if (this.#members === null || this.#until !== null || this.#blocks !== null) return false;
    return this.#members.every(
      ({ isReady, subscription }) => !isReady && subscription.wasToldLive && subscription.hasAll,
    );
  }

  /** Where it is in each topic, to be asked once it is settled. */
  get places(): CursorPart[] {
    return this.#members!.map(({ name, subscription }) =>
      partOfPlace(name.nameHash, subscription.place!),
    );
  }

  /** What its last id said of each topic, `null` where it named none, and the time of that id. */
  get told(): { readonly parts: readonly (CursorPart | null)[]; readonly time: number | null } {
    return { parts: this.#members!.map(({ part }) => part), time: this.#idTime };
  }

  expired(): Uint8Array {
    return this.#tell('expired');
  }

  sent(bytes: number, plain: number): void {
    this.#shares.hand(bytes, plain, this.#topics[0]!.topic.traffic);
  }

  wait(wake: () => void): void {
    this.#wake = wake;
    if (this.#members === null) {
      for (const { topic } of this.#topics) topic.sleepers.add(this.#sleeper);
      return;
    }
    // Who asks for the end alone takes nothing from those that were woken.
    for (const member of this.#members) if (member.isReady) member.wait();
    const owes = this.#members.some(({ isReady }) => isReady);
    if (this.#everyMs !== null && owes) this.#awaitBeat();
  }

  close(): void {
    clearTimeout(this.#waitTimer);
    clearTimeout(this.#beatTimer);
    this.#wake = null;
    for (const { topic } of this.#topics) topic.sleepers.delete(this.#sleeper);
    for (const { subscription } of this.#members ?? []) subscription.close();
  }

  /** Begins in all topics once it is known where. */
  #begin(): boolean {
    if (this.#members !== null) return true;
    const known = this.#topics.map(({ name, topic }) => ({
      nameHash: name.nameHash,
      id: topic.id,
    }));
    const starts = startsOf(this.#start, known);
    if (starts === null) return false;
    const until = this.#until === null ? null : { waitMs: 0 };
    for (const { topic } of this.#topics) topic.sleepers.delete(this.#sleeper);
    this.#members = this.#topics.map(
      (topic, n) => new Member(topic, starts[n]!, until, () => this.#wakeUp()),
    );
    if (this.#wasToldLive) {
      for (const { subscription } of this.#members) subscription.isToldLive();
    }
    return true;
  }

  #page(): Uint8Array | null {
    // Reading back may wake others at once, who put their own pages together meanwhile.
    const out = spare;
    spare = new ByteWriter(0);
    out.clear();
    this.#writePage(out);
    const page = out.length === 0 ? null : out.copy();
    if (out.capacity <= MAX_HELD_BYTES) spare = out;
    if (page !== null) this.#gaveIds(false);
    return page;
  }

  #writePage(out: ByteWriter): void {
    const now = this.#timeNow();
    this.#time = this.#blocks === null ? now : earlier(this.#time, now);
    while (out.length < PAGE_BYTES) {
      // That it has all that was there is told before what came since.
      if (this.#blocks === null && this.#isLive()) break;
      this.#blocks ??= this.#next();
      if (this.#blocks === null) break;
      const begin = out.length;
      this.#blocks.write(out);
      this.#shares.add(this.#source!.topic.traffic, out.length - begin);
      if (!this.#blocks.isOver) break;
      this.#blocks = null;
    }
  }

  /** The next blocks of the topic whose turn it is. */
  #next(): BlocksOfSeveral | null {
    const members = this.#members!;
    if (this.#beginsTogether && !members.every(({ hasBegun }) => hasBegun)) {
      for (const member of members) if (member.isReady && !member.hasBegun) member.begin();
      if (!members.every(({ hasBegun }) => hasBegun)) return null;
    }
    if (!this.#isDue(members)) return null;
    for (let n = 1; n <= members.length; n++) {
      const turn = (this.#turn + n) % members.length;
      const member = members[turn]!;
      if (!member.isReady || (this.#beatFrom !== null && member.isPastBeat)) continue;
      const blocks = member.take();
      // What is read back for it comes with the beat, however long that takes.
      member.isPastBeat = blocks === null && member.subscription.hasAll;
      if (blocks === null) continue;
      this.#turn = turn;
      if (this.#beatFrom !== null) this.#nextBeat = this.#beatFrom + this.#everyMs!;
      return this.#blocksOf(member, blocks);
    }
    const isOver = members.every((one) => one.isPastBeat || one.subscription.hasAll);
    if (isOver) this.#beatFrom = null;
    return null;
  }

  /** Whether something may be taken now: past live at a beat alone, but for what cannot wait. */
  #isDue(members: readonly Member[]): boolean {
    const isLive = members.every(({ subscription }) => subscription.wasToldLive);
    if (this.#everyMs === null || !isLive) return true;
    const now = performance.now();
    if (this.#beatFrom !== null && now < this.#nextBeat) return true;
    // An id has to be renewed before it is too old, and must not pass what it owes.
    const isUrgent = this.isAgeing || members.some(({ subscription }) => subscription.isUrgent);
    if (now < this.#nextBeat && !isUrgent) return false;
    for (const member of members) member.isPastBeat = false;
    this.#beatFrom = now;
    return true;
  }

  #awaitBeat(): void {
    clearTimeout(this.#beatTimer);
    const leftMs = Math.ceil(this.#nextBeat - performance.now());
    this.#beatTimer = setTimeout(() => this.#wakeUp(), Math.max(0, leftMs));
  }

  #blocksOf(member: Member, blocks: Uint8Array): BlocksOfSeveral {
    this.#source = member;
    // It may have begun only now; and who is cut within has not had all of it.
    this.#time = earlier(this.#time, this.#timeNow());
    return new BlocksOfSeveral(blocks, member.name, this.#writeId, this.#maxPageBytes);
  }

  #wakeUp(): void {
    // What it takes now would be noted for others.
    if (this.#topics.some(({ topic }) => topic.traffic.notes !== null)) {
      queueMicrotask(() => this.#wakeUp());
      return;
    }
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** The id of all, with what the source's says of it. */
  readonly #writeId = (to: ByteWriter, part: CursorPart): void => {
    this.#source!.part = part;
    this.#writeAll(to);
  };

  #writeAll(to: ByteWriter): void {
    const parts = this.#members!.map((member) => {
      if (member.part === null) member.namePlace();
      return member.part;
    });
    writeTopicsCursor(to, parts, this.#time);
  }

  /** The client has ids of now. @param arePlaces whether they name where it is in each topic */
  #gaveIds(arePlaces: boolean): void {
    this.#idTime = this.#time;
    for (const { subscription, part } of this.#members!) {
      if (part !== null) subscription.isToldId(this.#time, arePlaces);
    }
  }

  /** The earliest of its topics: in all of them it was away since then at the most. */
  #timeNow(): number | null {
    let time: number | null = null;
    for (const { subscription } of this.#members ?? []) {
      const { idTime } = subscription;
      time = earlier(time, idTime);
    }
    return time;
  }

  #isLive(): boolean {
    if (!this.#waitsNoMore) return false;
    let hasNews = false;
    for (const { subscription } of this.#members!) {
      if (subscription.wasToldLive) continue;
      if (!subscription.isLive) return false;
      hasNews = true;
    }
    return hasNews;
  }

  #announceLive(): Uint8Array {
    for (const { subscription } of this.#members!) subscription.isToldLive();
    this.isOver = this.#until !== null;
    return this.#tell('live');
  }

  /** `null` where its last id tells its place already, and is not about to be too old. */
  #tellPlace(): Uint8Array | null {
    const members = this.#members!;
    const now = this.#timeNow();
    // What waits for a beat may be a delete, of which an id of now would say that its client has it.
    const owes =
      this.#everyMs !== null && !members.every(({ subscription }) => subscription.hasAll);
    const time = owes ? earlier(this.#idTime, now) : now;
    if (owes && this.#idTime === null && now !== null) return null;
    const isRenewed = this.isAgeing && (time ?? 0) > (this.#idTime ?? 0);
    if (!isRenewed && !members.some((member) => member.isPastId)) return null;
    return this.#tell('place', time);
  }

  /** An event without data, with where the client is in all topics, if that is known of any. */
  #tell(event: string, time: number | null = this.#timeNow()): Uint8Array {
    this.#topics[0]!.topic.traffic.send({ events: 1, gaps: 0 });
    const frame = new ByteWriter(256);
    this.#time = time;
    for (const member of this.#members ?? []) {
      // What was taken and is not handed over yet lies before its place.
      if (this.#blocks === null || member !== this.#source) member.namePlace();
    }
    const isKnown = this.#members?.some(({ part }) => part !== null) === true;
    writeEvent(frame, event, isKnown ? (to) => this.#writeAll(to) : null);
    if (isKnown) this.#gaveIds(true);
    return frame.view();
  }

  #waitFor(milliseconds: number): void {
    this.#waitsNoMore = false;
    this.#waitTimer = setTimeout(() => {
      this.#waitsNoMore = true;
      this.#wakeUp();
    }, milliseconds);
  }
}
