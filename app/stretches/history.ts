import { type Block, dropSuperseded, rowFrom } from '../history/block_cache.ts';
import { Waiter } from '../history/history_pool.ts';
import { type FoundRow, Rider } from '../history/scans.ts';
import { LIVE } from '../log/columns.ts';
import type { Dropped, Log, LogEnd } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Filter } from '../views/filter.ts';
import { retentionGap, unreadGap } from '../wire/gap.ts';
import { coversAll, distance, type Place, type Positions } from '../wire/place.ts';
import type { Client, Told } from './client.ts';
import { openAgain, type Step } from './step.ts';
import type { NewFrom, Stretch } from './stretch.ts';

/**
 * The client lies below the log in memory: records are read back from Kafka, with ids made from
 * its own cursor. It ends when the client is at or above memory's start in every partition; until
 * then memory may move on as it likes.
 */
export class History implements Stretch {
  readonly isAhead = false;
  readonly #client: Client;
  readonly #log: Log;
  /** Its positions are moved on. */
  readonly #place: Place;
  readonly #positions: Positions;
  readonly #waiter: Waiter;
  /** Rides on scans with others who have filters; `null` where it reads for itself. */
  readonly #rider: Rider | null;
  #isRiding = false;
  /** Where the latest records of its keys are, and at which end of the log they were looked up. */
  #latest: {
    readonly seq: number;
    readonly offsets: ReadonlyMap<number, readonly number[]> | null;
  } | null = null;
  /** Whether the page says that records are lost: to some clients that is no loss. */
  #tellsOfLoss = false;

  constructor(client: Client, log: Log, place: Place) {
    this.#client = client;
    this.#log = log;
    this.#place = place;
    this.#positions = place.positions;
    this.#waiter = new Waiter(() => client.wake());
    const { filter } = client.view;
    // It knows where the latest records of its keys are.
    const jumps = filter !== null && this.#mayJump(filter);
    const keepsFrom = client.leaves === null ? null : client.leaves.newTo;
    this.#rider =
      filter === null || jumps
        ? null
        : new Rider(filter, place.positions, keepsFrom, () => client.wake());
  }

  place(): Place {
    this.#catchUp();
    return this.#place;
  }

  /** What it waits for alone while it rides on a scan. */
  get selection(): object | undefined {
    return this.#isRiding ? this.#rider! : undefined;
  }

  get idTime(): number | null {
    return this.#client.timeOn(this.#log);
  }

  behind(): number {
    this.#catchUp();
    return distance(this.#positions, this.#log.positions);
  }

  get isUrgent(): boolean {
    return this.#log.successor !== null;
  }

  isPast({ positions }: LogEnd): boolean {
    this.#catchUp();
    return coversAll(this.#positions, positions);
  }

  lacks({ log, past }: Dropped, newFrom: NewFrom | null): boolean {
    const isPassed = (offset: number, partition: number): boolean =>
      offset >= past[partition]! || (newFrom?.positions[partition] ?? 0) >= past[partition]!;
    return log === this.#log && !this.#positions.every(isPassed);
  }

  close(): void {
    const { history, scans } = this.#client.topic;
    history.leave(this.#waiter);
    if (this.#rider !== null) scans.leave(this.#rider);
  }

  pass(): Step | null {
    return this.#log.successor === null && this.#isOver() ? this.#goOn() : null;
  }

  take(): Uint8Array | Step | null {
    this.#isRiding = false;
    if (this.#log.successor !== null) return this.#openAgain();
    if (this.#isOver()) return this.#goOn();
    if (this.#rider !== null && this.#rider.scan !== null) {
      const found = this.#takeFound(this.#rider);
      this.#isRiding = found === null;
      return found;
    }
    const others = this.#pageOfOthers();
    if (others !== null) return others;
    if (this.#rider?.ridesFirst === true && this.#join(this.#rider)) return null;
    const from = this.#positions.slice();
    this.#tellsOfLoss = false;
    const { history, page, turns } = this.#client.topic;
    const isFiltered = this.#client.view.filter !== null;
    page.begin(this.idTime);
    const lacking = new Map<number, number>();
    for (const partition of this.#lagging()) {
      while (!page.isFull && !this.#restsNow() && this.#lags(partition)) {
        if (this.#jump(partition)) continue;
        const block = history.blocks.find(partition, this.#positions[partition]!);
        if (block === null) {
          lacking.set(partition, this.#positions[partition]!);
          break;
        }
        const { segment } = block;
        if (segment === null || isFiltered || !this.#sharesIds(segment)) this.#pass(block);
        else if (!page.isEmpty) return this.#finish(from);
        else {
          const bytes = this.#slice(block, segment);
          if (bytes !== null) return bytes;
        }
      }
    }
    if (!page.isEmpty) return this.#finish(from);
    if (this.#log.covers(this.#positions)) return this.#goOn();
    if (this.#restsNow()) turns.wait(this.#client);
    else if (this.#rider === null || !this.#join(this.#rider)) {
      history.want(this.#waiter, lacking);
    }
    return null;
  }

  /** @returns false where it has to read for itself */
  #join(rider: Rider): boolean {
    this.#isRiding = this.#client.topic.scans.join(rider);
    return this.#isRiding;
  }

  #openAgain(): Step {
    const place = this.place();
    this.close();
    return openAgain(place, this.#client.idTime);
  }

  /** Its scan has passed what is not for it. */
  #catchUp(): void {
    const rider = this.#rider;
    if (rider === null) return;
    this.#client.topic.scans.catchUp(rider);
    if (rider.hasMoved) this.#client.isPastId = true;
    rider.hasMoved = false;
  }

  /** What its scan has found for it. */
  #takeFound(rider: Rider): Uint8Array | null {
    let bytes: Uint8Array | null = null;
    while (bytes === null && rider.found !== null) {
      const { block, rows, past } = rider.found;
      const { partition } = block;
      const { offsets } = block.segment!;
      bytes = this.#pageOfOthers() ?? this.#pageOf(block, rows);
      const left = rows.filter(({ at }) => offsets[at]! >= this.#positions[partition]!);
      rider.found = left.length > 0 ? { block, rows: left, past } : null;
      if (left.length === 0 && this.#positions[partition]! < past) this.#move(partition, past);
    }
    return bytes;
  }

  #pageOf({ partition, segment }: Block, rows: readonly FoundRow[]): Uint8Array | null {
    const { page } = this.#client.topic;
    const from = this.#positions.slice();
    page.begin(this.idTime);
    for (const { at, told } of rows) {
      if (page.isFull) break;
      this.#move(partition, segment!.offsets[at]! + 1);
      // Of what it is told here nothing leaves.
      const what = told === 'look' ? this.#client.toldBy(segment!, at, () => false) : told;
      if (what !== null) this.#tell(what, partition, segment!, at);
    }
    return page.isEmpty ? null : this.#finish(from);
  }

  #tell(told: NonNullable<Told>, partition: number, segment: Segment, at: number): void {
    const { page, topic } = this.#client.topic;
    const { format } = this.#client.view;
    if (told === 'record') this.#client.leaves?.gets(segment, at);
    if (told === 'record') page.row(format, segment, at, this.#place);
    else if (told === 'leave') page.leave(format, segment, at, this.#place);
    else page.gap(unreadGap(topic, partition, segment.offsets[at]!), this.#place);
    this.#client.isPastId = false;
  }

  /** Whether its filter has looked at enough for now. */
  #restsNow(): boolean {
    return this.#client.view.filter !== null && this.#client.topic.turns.isOver;
  }

  /**
   * On a compacted topic: passes what lies before the next one of the latest records of its keys, as nothing
   * else is for it. What retention has taken there is told instead.
   */
  #jump(partition: number): boolean {
    const from = this.#positions[partition]!;
    if (from < (this.#client.topic.starts[partition] ?? 0)) return false;
    const offsets = this.#latestOffsets();
    if (offsets === null) return false;
    const next = offsets.get(partition)?.find((offset) => offset >= from);
    this.#move(partition, Math.min(next ?? Number.POSITIVE_INFINITY, this.#log.start[partition]!));
    return this.#positions[partition]! > from;
  }

  /** Others have to be told of what their keys have lost. */
  #mayJump(filter: Filter): boolean {
    return filter.isOfKey && this.#log.findsLatestOf(filter);
  }

  #latestOffsets(): ReadonlyMap<number, readonly number[]> | null {
    const { filter } = this.#client.view;
    const { nextSeq } = this.#log;
    if (filter === null || !this.#mayJump(filter)) return null;
    // What came since may have left memory, too.
    if (this.#latest?.seq !== nextSeq) {
      const offsets = this.#log.latestOffsetsOf(filter, this.#client.topic.facts);
      this.#latest = { seq: nextSeq, offsets };
    }
    return this.#latest.offsets;
  }

  /** Whether others may come to the same place with the same view. */
  get #hasOthers(): boolean {
    // What leaves is nothing to one that was not there.
    const { leaves, view } = this.#client;
    return this.#place.unknown.length === 0 && view.clients > 1 && leaves === null;
  }

  /** The page that another client got at this place. */
  #pageOfOthers(): Uint8Array | null {
    if (!this.#hasOthers) return null;
    const { topic, view } = this.#client;
    const known = topic.history.pages.find(view, this.#positions, this.#logSeq(), this.#log.clock);
    if (known === null) return null;
    this.#positions.set(known.to);
    this.#client.isPastId = known.isPastId;
    this.#client.idTime = known.time;
    topic.traffic.send(known);
    return known.bytes;
  }

  /** @param from where the client stood before the page */
  #finish(from: Positions): Uint8Array {
    const { topic, view } = this.#client;
    const written = topic.page.finish();
    topic.traffic.send(written);
    this.#client.idTime = written.time;
    if (!this.#hasOthers || this.#tellsOfLoss) return written.bytes;
    const to = this.#positions.slice();
    const { isPastId } = this.#client;
    topic.history.pages.add({ ...written, view, from, to, isPastId, logSeq: this.#logSeq() });
    return written.bytes;
  }

  /** On a topic that is not compacted nothing is superseded. */
  #logSeq(): number {
    return this.#log.keys === null ? 0 : this.#log.nextSeq;
  }

  /** Whether all else that it lacks is in memory, or it has no place yet in what was added. */
  #isOver(): boolean {
    this.#catchUp();
    const wereAdded = this.#positions.length < this.#log.start.length;
    return wereAdded || this.#log.covers(this.#positions);
  }

  #goOn(): Step {
    this.close();
    return { resume: this.#log, place: this.#place, first: null };
  }

  #lags(partition: number): boolean {
    return this.#positions[partition]! < (this.#log.start[partition] ?? 0);
  }

  *#lagging(): Iterable<number> {
    for (let partition = 0; partition < this.#log.start.length; partition++) {
      if (this.#lags(partition)) yield partition;
    }
  }

  /** Whether the ids that the blocks of a segment have are the client's own. */
  #sharesIds({ origin }: Segment): boolean {
    return origin.length === 1 && this.#positions.length === 1 && this.#place.unknown.length === 0;
  }

  /** The next part of a block, the same bytes for all clients; `null` where nothing is left of it. */
  #slice(block: Block, segment: Segment): Uint8Array | null {
    const { next, partition } = block;
    dropSuperseded(this.#log, block, segment);
    const { topic, view } = this.#client;
    const encoding = topic.history.blocks.encode(block, segment, view);
    const slice = encoding.slice(rowFrom(segment, this.#positions[partition]!));
    const isLast = slice === null || slice.nextSeq === segment.count;
    const past = slice === null ? next : segment.offsets[slice.nextSeq - 1]! + 1;
    this.#move(partition, isLast ? next : past);
    if (slice === null) return null;
    this.#client.isPastId = slice.isPastId || (isLast && past < next);
    this.#client.idTime = slice.time;
    topic.traffic.send(slice);
    return slice.bytes;
  }

  /** Takes from a block until the page is full. */
  #pass(block: Block): void {
    const { partition, next, segment } = block;
    if (segment === null) {
      this.#passLost(partition, next);
      return;
    }
    dropSuperseded(this.#log, block, segment);
    const { topic, view } = this.#client;
    if (view.filter !== null) {
      this.#passFiltered(block, segment);
      return;
    }
    const encoding = topic.history.blocks.encode(block, segment, view);
    let at = rowFrom(segment, this.#positions[partition]!);
    for (; at < segment.count && !topic.page.isFull; at++) {
      this.#move(partition, segment.offsets[at]! + 1);
      if (segment.states[at] !== LIVE) continue;
      topic.page.record(encoding, at, this.#place);
      this.#client.isPastId = false;
    }
    if (at === segment.count) this.#move(partition, next);
  }

  #passFiltered({ partition, next }: Block, segment: Segment): void {
    const { topic, view } = this.#client;
    const from = rowFrom(segment, this.#positions[partition]!);
    const byKeyAlone = this.#client.leaves !== null;
    const found = segment.candidates(view.filter!, topic.facts, byKeyAlone);
    const candidates = found?.filter((row) => row >= from);
    const rows = candidates ?? range(from, segment.count);
    for (const at of rows) {
      if (topic.page.isFull || topic.turns.isOver) return;
      this.#move(partition, segment.offsets[at]! + 1);
      if (segment.states[at] !== LIVE) continue;
      const told = this.#client.toldBy(segment, at, (leaves, facts) => leaves.tellsBelow(facts));
      if (told !== null) this.#tell(told, partition, segment, at);
    }
    this.#move(partition, next);
  }

  #move(partition: number, next: number): void {
    if (this.#positions[partition] === next) return;
    this.#positions[partition] = next;
    this.#client.isPastId = true;
  }

  #passLost(partition: number, to: number): void {
    const from = this.#positions[partition]!;
    this.#move(partition, to);
    this.#tellsOfLoss = true;
    const { page, topic } = this.#client.topic;
    if (page.isEmpty && this.#client.isNewTo(partition)) return;
    page.gap(retentionGap(topic, partition, from, to), this.#place);
    this.#client.isPastId = false;
  }
}

function* range(from: number, to: number): Iterable<number> {
  for (let n = from; n < to; n++) yield n;
}
