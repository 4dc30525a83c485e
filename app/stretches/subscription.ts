import type { Traffic } from '../counts/traffic.ts';
import type { Dropped } from '../log/log.ts';
import type { Beat } from '../views/pace.ts';
import type { View } from '../views/view.ts';
import { cursorText } from '../wire/cursor.ts';
import { expiredFrame, FRESH_FRAME, liveFrame, placeFrame } from '../wire/frame.ts';
import type { Place } from '../wire/place.ts';
import type { Until } from '../wire/until.ts';
import { Client } from './client.ts';
import type { ClientStream } from './client_stream.ts';
import { Pacing } from './pacing.ts';
import { follow } from './route.ts';
import type { Sleepers } from './sleepers.ts';
import { openAgain, type Start, type Step } from './step.ts';
import type { Stretch } from './stretch.ts';
import type { Topic, TopicClient } from './topic.ts';

/** Bytes handed to a socket at once. */
const MAX_ARRAY_BYTES = 64 * 1024;

/**
 * One client: a place in the log, never a queue. What it has not taken stays where it is, in
 * memory or in Kafka, so that one client, however slow, costs bounded memory.
 */
export class Subscription implements TopicClient, ClientStream {
  /** Its topic's, to which what it gets is added. */
  readonly traffic: Traffic;
  readonly #topic: Topic;
  readonly #client: Client;
  readonly #sleepers: Sleepers;
  #stretch: Stretch;
  /** `null` where it gets at once what comes. */
  readonly #pacing: Pacing | null;
  /** What it waits for, or did last; `null` for whatever comes. */
  #choice: object | null = null;
  /** What it was told last of whether its topic is stale; `null`: nothing, or that it is fresh. */
  #toldStale: Uint8Array | null = null;
  /** Whether Kafka has dropped a delete below which its client stands. */
  #lacksDeletes = false;
  /** Whether all has been taken that is to come. */
  isOver = false;
  /** Whether a client that waits for the first record or gap has had it, or waits no longer. */
  #waitsNoMore = true;
  #waitTimer: ReturnType<typeof setTimeout> | undefined;
  /** What is left of a block that is larger than one array. */
  #rest: Uint8Array | null = null;
  /** Whether all who stand at the end of the log, in the same view, got the array that was taken last. */
  isShared = false;

  /** @param until when it is over; `null` for never */
  constructor(
    topic: Topic,
    view: View,
    start: Start,
    sleepers: Sleepers,
    until: Until | null = null,
  ) {
    this.traffic = topic.traffic;
    this.#topic = topic;
    this.#client = new Client(topic, view, until);
    this.#sleepers = sleepers;
    this.#pacing = view.pace === null ? null : new Pacing(view.pace, sleepers.beats);
    this.#stretch = follow(this.#client, { open: start }).stretch;
    topic.clients.add(this);
    if (until !== null && until.waitMs > 0) this.#waitAtMost(until.waitMs);
  }

  /** Whether what was taken last ends within a block. */
  get isWithinBlock(): boolean {
    return this.#rest !== null;
  }

  /** Whether its client's last id will soon be too old. */
  get isAgeing(): boolean {
    return this.#client.isAgeing;
  }

  /** Whether it waits for the feed to come to where it is. */
  get isAhead(): boolean {
    return this.#stretch.isAhead || this.#client.awaitsFeed;
  }

  /**
   * How many records it has yet to get, by offsets: holes in them count; `null` before its start is
   * known.
   */
  get behind(): number | null {
    const { loadedLog, ends } = this.#topic;
    const ofStretch = this.#stretch.behind();
    if (loadedLog === null || ofStretch === null) return null;
    const { positions } = loadedLog;
    let unread = 0;
    for (const [partition, end] of ends) unread += Math.max(0, end - (positions[partition] ?? 0));
    return ofStretch + unread;
  }

  /**
   * The next bytes, whole blocks where they fit 64 kB; `null` where the client has all there is.
   * @param isIdle whether nothing came for long: then it is told where it is, if its last id does not
   */
  take(isIdle = false): Uint8Array | null {
    this.isShared = false;
    if (this.#rest !== null) return this.#portion(this.#rest);
    if (this.#topic.staleBlock !== this.#toldStale) return this.#tellStale();
    const sent = this.traffic.eventsSent;
    this.#client.leaves?.stirs();
    const bytes = this.#takeNext(true);
    if (this.traffic.eventsSent > sent) this.#waitsNoMore = true;
    if (bytes !== null) return this.#portion(bytes);
    return isIdle ? this.#tellPlace() : null;
  }

  #takeNext(tellsLive: boolean): Uint8Array | null {
    for (;;) {
      const startsOver = this.#startsOver;
      const live = tellsLive && !startsOver ? this.#announceLive() : null;
      if (live !== null) return live;
      if (this.#awaitedBeat() !== null) return null;
      const next = startsOver ? this.#startOver() : this.#stretch.take();
      // It may have passed places that hold nothing to send.
      if (next === null) {
        if (this.#stretch.behind() === 0) this.#pacing?.hasAll();
        return tellsLive ? this.#announceLive() : null;
      }
      if (next instanceof Uint8Array) {
        this.isShared = this.#stretch.isShared === true && this.#stretch.behind() === 0;
        return this.#got(next);
      }
      const { stretch, first } = follow(this.#client, next);
      this.#stretch = stretch;
      if (first !== null) return this.#got(first);
    }
  }

  #got(blocks: Uint8Array): Uint8Array {
    this.#client.gotBlock();
    if (this.#client.isPastLive) this.#pacing?.got(this.#topic.loadedLog);
    return blocks;
  }

  /** Whether something may have gone from what it has of which it was not told. */
  get #startsOver(): boolean {
    return this.#lacksDeletes || this.#client.leaves?.isLost === true;
  }

  #startOver(): Step {
    const lacksDeletes = this.#lacksDeletes;
    this.#lacksDeletes = false;
    this.#stretch.close?.();
    return openAgain(this.#stretch.place()!, this.#client.idTime, lacksDeletes);
  }

  /** Kafka has dropped deletes that it may not have had. */
  lacks(dropped: Dropped): void {
    if (this.#lacksDeletes || !this.#stretch.lacks(dropped, this.#client.newFrom)) return;
    this.#lacksDeletes = true;
    // It may wait for a beat, and is told at once; not now, while the log is at work.
    if (this.#pacing !== null && this.#client.isWaiting)
      this.#waitFor(this.#sleepers.beats.after(0));
  }

  /** What its client is told once its token is over: with where it is, if that is known yet. */
  expired(): Uint8Array {
    this.isShared = false;
    this.traffic.eventsSent++;
    return expiredFrame(this.#stretch.place(), this.#stretch.idTime);
  }

  /** Where it will be over, at the least; `null` before that is known, and once it is over. */
  get end(): Place | null {
    const { end } = this.#client;
    if (end === null) return null;
    if (this.#stretch.isPast(end)) return this.#stretch.place();
    return { topicId: end.log.topicId, positions: end.positions, unknown: [] };
  }

  get endId(): string | null {
    const { end } = this;
    return end === null ? null : cursorText(end);
  }

  get eventsSent(): number {
    return this.traffic.eventsSent;
  }

  sent(bytes: number, plain: number): void {
    this.traffic.bytesSent += bytes;
    this.traffic.plainBytesSent += plain;
  }

  /** Where its client is; `null` before its start is known. */
  get place(): Place | null {
    return this.#stretch.place();
  }

  /** The time of an id of that place that is made now; before it is known, that of the one that it came with. */
  get idTime(): number | null {
    return this.#stretch.idTime;
  }

  /** Whether its place has moved since the last id that it was told. */
  get isPastId(): boolean {
    return this.#client.isPastId;
  }

  /** Whether it has all that was there when it came, and is to be told so. */
  get isLive(): boolean {
    return !this.#startsOver && this.#isLive();
  }

  /** Whether it has all that its topic has, and was told of all that has left its view. */
  get hasAll(): boolean {
    const isSure = this.#client.leaves?.isSure !== false;
    return !this.#startsOver && isSure && this.#stretch.behind() === 0;
  }

  /** Whether it was told that it is live, and nothing has begun anew since. */
  get wasToldLive(): boolean {
    return this.#client.isTold;
  }

  /** Whether what comes next cannot wait for a beat. */
  get isUrgent(): boolean {
    return this.#startsOver || this.#stretch.isUrgent;
  }

  /** Its client is told by somebody else that it is live. */
  isToldLive(): void {
    this.#client.isToldLive();
  }

  /**
   * Its client was told an id of that time by somebody else.
   * @param isPlace whether it names its place, and not one before it
   */
  isToldId(time: number | null, isPlace: boolean): void {
    if (isPlace) this.#client.gotPlace(time);
    this.#client.gotBlock();
    this.#client.idTime = time;
  }

  /**
   * Finds out where it begins, and no more; to be called as long as its place is not known.
   * @returns what its client is told of that
   */
  begin(): Uint8Array | null {
    const next = this.#stretch.take();
    if (next === null || next instanceof Uint8Array) return next;
    const { stretch, first } = follow(this.#client, next);
    this.#stretch = stretch;
    return first === null ? null : this.#got(first);
  }

  /** What comes next of its topic, whole blocks, and nothing of what is told to a stream. */
  takeBlocks(): Uint8Array | null {
    return this.#takeNext(false);
  }

  /** Calls `wake` once, as soon as `take` may have something. */
  wait(wake: () => void): void {
    this.#client.onWake(wake);
    const ofRecords = this.isAhead ? null : (this.#stretch.selection ?? null);
    const beat = this.#awaitedBeat();
    const { leaves } = this.#client;
    if (leaves !== null && leaves.guard !== null)
      leaves.waits(beat === null && ofRecords !== null && this.#stretch.behind() === 0);
    this.#waitFor(beat ?? ofRecords);
  }

  /** Ends the wait. */
  wake(): void {
    this.#client.wake();
  }

  close(): void {
    clearTimeout(this.#waitTimer);
    this.#client.close();
    this.#sleepers.delete(this, this.#choice);
    this.#topic.clients.delete(this);
    this.#stretch.close?.();
  }

  #waitAtMost(milliseconds: number): void {
    this.#waitsNoMore = false;
    this.#waitTimer = setTimeout(() => {
      this.#waitsNoMore = true;
      this.#client.wake();
    }, milliseconds);
  }

  #waitFor(choice: object | null): void {
    if (choice !== this.#choice) this.#sleepers.delete(this, this.#choice);
    this.#choice = choice;
    this.#sleepers.add(this, choice);
  }

  /** What it has to wait for though there may be something. */
  #awaitedBeat(): Beat | null {
    if (this.#pacing === null || !this.#client.isPastLive || this.#startsOver) return null;
    const beat = this.#pacing.awaited(this.#stretch, this.#topic.loadedLog);
    // Its id has to be renewed before it is too old, and must not pass what it has not had.
    const isUrgent = beat !== null && (this.#stretch.isUrgent || this.#client.isAgeing);
    return isUrgent ? null : beat;
  }

  #isLive(): boolean {
    return this.#client.isLiveOn(this.#stretch) && this.#waitsNoMore;
  }

  /** Without an id: its place does not move. */
  #tellStale(): Uint8Array {
    this.#toldStale = this.#topic.staleBlock;
    this.traffic.eventsSent++;
    return this.#toldStale ?? FRESH_FRAME;
  }

  /** `null` where it is not live now, was before, or is not to be told. */
  #announceLive(): Uint8Array | null {
    if (this.#startsOver || !this.#isLive()) return null;
    const { idTime: time } = this.#stretch;
    const place = this.#stretch.place()!;
    this.#client.isToldLive();
    this.#pacing?.begin();
    if (!this.#client.tellsLive) return null;
    this.isOver = this.#client.until !== null;
    this.#client.gotPlace(time);
    this.traffic.eventsSent++;
    return liveFrame(place, time);
  }

  /** `null` where its last id tells its place already, and is not about to be too old. */
  #tellPlace(): Uint8Array | null {
    const awaitsBeat = this.#awaitedBeat() !== null;
    if (awaitsBeat) this.#pass();
    const place = this.#stretch.place();
    // What waits for a beat may be a delete, of which an id of now would say that its client has it.
    const owes = awaitsBeat && this.#stretch.behind() !== 0;
    const time = owes ? this.#client.idTime : this.#stretch.idTime;
    if (owes && time === null && this.#topic.idClock !== null) return null;
    const isRenewed = this.#client.isAgeing && time !== this.#client.idTime;
    if (place === null || !(this.#client.isPastId || isRenewed)) return null;
    this.#client.gotPlace(time);
    this.traffic.eventsSent++;
    return placeFrame(place, time);
  }

  /** Goes past what is not for it, up to what it waits for. */
  #pass(): void {
    for (;;) {
      const next = this.#stretch.pass?.() ?? null;
      if (next === null) return;
      this.#stretch = follow(this.#client, next).stretch;
    }
  }

  #portion(bytes: Uint8Array): Uint8Array {
    this.#rest = null;
    if (bytes.length <= MAX_ARRAY_BYTES) return bytes;
    const [first, rest] = partsOf(bytes);
    this.#rest = rest;
    return first;
  }
}

/** The same for all who get the same array. */
const PARTS = new WeakMap<Uint8Array, readonly [first: Uint8Array, rest: Uint8Array]>();

function partsOf(bytes: Uint8Array): readonly [first: Uint8Array, rest: Uint8Array] {
  const known = PARTS.get(bytes);
  if (known !== undefined) return known;
  const parts = [bytes.subarray(0, MAX_ARRAY_BYTES), bytes.subarray(MAX_ARRAY_BYTES)] as const;
  PARTS.set(bytes, parts);
  return parts;
}
