import { GAP, LIVE } from '../log/columns.ts';
import type { Dropped, Log, LogEnd } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Selection } from '../log/selections.ts';
import type { Filter } from '../views/filter.ts';
import { retentionGap, unreadGap } from '../wire/gap.ts';
import { coversAll, type Place } from '../wire/place.ts';
import type { Client } from './client.ts';
import type { PageKey, SelectedPage } from './shared_pages.ts';
import { openAgain, type Step } from './step.ts';
import type { NewFrom, Stretch } from './stretch.ts';
import { PAGE_RECORDS } from './turns.ts';

/**
 * Of the rows that a client finds in one go, those of which it could not be told whether they are for it, and
 * those that tell that a key leaves: a set for each of ten thousand clients would be megabytes.
 */
const unreadRows = new Set<number>();
const leavingRows = new Set<number>();

/**
 * The client's cursor is the feed's, and it gets those records that its filter lets through: the
 * bytes and ids that everybody gets of them. What comes while it is here is looked up for it; what was
 * there before is looked through by turns.
 */
export class Selected implements Stretch {
  readonly isAhead = false;
  isShared = false;
  /** What it waits for. */
  readonly selection: Selection;
  readonly #client: Client;
  readonly #log: Log;
  /** The one that `#seq` lies in, or at the end of; it may have left memory. */
  #segment: Segment;
  /** Sequence number of the next record. */
  #seq: number;
  /** What was there when the client came here is no live record to it. */
  readonly #liveFrom: number;
  #isOver = false;
  /** Whether it was at the end since it last looked for itself, see `#knownFrom`. */
  #wasAtEnd = false;
  /**
   * On a compacted topic, of what was there: the latest of its keys, as far as nothing else is known; the
   * next one of them stands at `at`.
   */
  #latest: { readonly upTo: number; readonly seqs: readonly number[]; at: number } | null = null;

  /** `log.locate(seq)` must not be `null`. */
  constructor(client: Client, log: Log, filter: Filter, seq: number, liveFrom: number) {
    this.#client = client;
    this.#log = log;
    this.#segment = log.locate(seq)!;
    this.#seq = seq;
    this.#liveFrom = liveFrom;
    const { leaves } = client;
    this.selection = log.selections.join(
      filter,
      log.nextSeq,
      leaves !== null,
      leaves?.guard ?? null,
    );
  }

  place(): Place {
    const { topicId, nextSeq, positions } = this.#log;
    const isAtEnd = this.#seq === nextSeq;
    const here = isAtEnd ? positions.slice() : this.#segment.cursorAt(this.#seq);
    return { topicId, positions: here, unknown: [] };
  }

  get idTime(): number | null {
    const hasAll = this.#seq === this.#log.nextSeq && this.#hasAllAfter(this.#log.tail);
    return hasAll ? this.#log.idTime : this.#client.timeOn(this.#log);
  }

  /** Whether it has all there is once it has passed what is for it in a segment. */
  #hasAllAfter(segment: Segment): boolean {
    const { leaves } = this.#client;
    return (
      leaves === null || leaves.guard === null || (segment === this.#log.tail && leaves.isSure)
    );
  }

  /** Those that its filter leaves out count as long as they have not been looked at. */
  behind(): number {
    const isLookedUp = this.#seq >= this.#knownFrom();
    const hasAll = isLookedUp && this.#nextPlace() === Number.POSITIVE_INFINITY;
    return hasAll ? 0 : this.#log.nextSeq - this.#seq;
  }

  get isUrgent(): boolean {
    return this.#log.successor !== null || this.#log.gapFrom(this.#seq) !== null;
  }

  isPast({ log, seq, positions }: LogEnd): boolean {
    if (log === this.#log) return this.#seq >= seq;
    return coversAll(this.place().positions, positions);
  }

  lacks({ log, seq }: Dropped, newFrom: NewFrom | null): boolean {
    if (log !== this.#log) return false;
    // The index of keys, by which it looks for itself, has forgotten them.
    if (this.#seq >= this.#knownFrom()) this.#passNeedless();
    return seq >= Math.max(this.#seq, newFrom?.seq ?? 0);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#log.selections.leave(this.selection);
  }

  take(): Uint8Array | Step | null {
    const log = this.#log;
    if (log.successor !== null) return this.#goOn(openAgain(this.place(), this.#client.idTime));
    const from = this.#seq;
    const known = this.#knownPage(from);
    if (known !== null) return this.#give(known);
    const { turns } = this.#client.topic;
    for (;;) {
      const next = this.#nextPlace();
      if (next === Number.POSITIVE_INFINITY) {
        this.#passAll();
        return null;
      }
      const segment = log.locate(next);
      if (segment === null) return this.#goOn({ resume: log, place: this.place(), first: null });
      const isKnown = this.#isKnown();
      // What was chosen for it is not looked at again.
      if (next < this.#knownFrom() && turns.isOver) {
        turns.wait(this.#client);
        return null;
      }
      unreadRows.clear();
      const rows = isKnown ? this.#knownRows(segment) : this.#rowsLookedFor(segment);
      if (rows.length > 0) return this.#give(this.#written(from, segment, rows));
      const end = isKnown ? segment.nextSeq : Math.min(segment.nextSeq, this.#knownFrom());
      this.#pass(segment, end);
    }
  }

  #goOn(step: Step): Step {
    this.close();
    return step;
  }

  /** Where there may be something for it next; infinite where there is nothing up to the end. */
  #nextPlace(): number {
    const seq = this.#seq;
    if (!this.#isKnown()) return seq;
    const first = this.selection.firstFrom(this.#chosenFrom());
    const gap = this.#log.gapFrom(seq) ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextLatest() ?? first, gap);
  }

  /** The next of the latest of its keys. */
  #nextLatest(): number | undefined {
    const latest = this.#latest;
    if (latest === null) return undefined;
    while (latest.seqs[latest.at]! < this.#seq) latest.at++;
    return latest.seqs[latest.at];
  }

  /** From where on its next places are those that were chosen. */
  #chosenFrom(): number {
    return Math.max(this.#seq, this.#latest?.upTo ?? 0);
  }

  /**
   * From where on it is told what it may want. Where keys can leave that is so only for who was at the end
   * since it last looked for itself: what it passed on its way may have been superseded by then, and
   * what left there is told by a record that lies before it.
   */
  #knownFrom(): number {
    const { fromSeq } = this.selection;
    const { leaves } = this.#client;
    if (leaves === null) return fromSeq;
    const { nextSeq } = this.#log;
    if (this.#seq < fromSeq) this.#wasAtEnd = false;
    else if (this.#seq === nextSeq && leaves.isSettled) this.#wasAtEnd = true;
    return this.#wasAtEnd ? fromSeq : nextSeq;
  }

  /** Whether all places from here on are known of what it may want. */
  #isKnown(): boolean {
    const from = this.#knownFrom();
    if (this.#seq >= from) {
      this.#latest = null;
      return true;
    }
    if (this.#latest === null || this.#latest.upTo < from) {
      const seqs = this.#log.latestOf(this.selection.filter, this.#client.topic.facts);
      if (seqs === null) return false;
      this.#latest = { upTo: from, seqs: seqs.filter((seq) => seq < from), at: 0 };
    }
    return true;
  }

  pass(): null {
    const next = this.#log.successor === null ? this.#passNeedless() : null;
    if (next !== null) this.#pass(next.segment, next.seq);
    return null;
  }

  /**
   * Goes past segments in which there is nothing for it any more, as far as it does not have to look for itself.
   * @returns where there is something next; `null` where that is not known
   */
  #passNeedless(): { readonly segment: Segment; readonly seq: number } | null {
    while (this.#isKnown()) {
      const next = this.#nextPlace();
      if (next === Number.POSITIVE_INFINITY) {
        this.#passAll();
        return null;
      }
      const segment = this.#log.locate(next);
      if (segment === null) return null;
      unreadRows.clear();
      const [first] = this.#knownRows(segment);
      if (first !== undefined) return { segment, seq: segment.seqs[first]! };
      this.#pass(segment, segment.nextSeq);
    }
    return null;
  }

  /** Those that lie before an end, ascending; what was superseded since may be among them. */
  #placesBefore(end: number): readonly number[] {
    const places: number[] = [];
    this.#nextLatest();
    const { seqs = [], at = 0 } = this.#latest ?? {};
    for (let next = at; seqs[next]! < end; next++) places.push(seqs[next]!);
    places.push(...this.selection.between(this.#chosenFrom(), end));
    return places;
  }

  #passAll(): void {
    this.#pass(this.#log.tail, this.#log.nextSeq);
    this.#client.leaves?.hasAll();
  }

  #pass(segment: Segment, seq: number): void {
    this.#segment = segment;
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#client.isPastId = true;
  }

  /** Rows of records that it wants, and of gaps, which are for all. */
  #knownRows(segment: Segment): number[] {
    const rows: number[] = [];
    const from = this.#knownFrom();
    leavingRows.clear();
    for (const seq of this.#placesBefore(segment.nextSeq)) {
      const at = segment.placeOf(seq);
      if (segment.seqs[at] !== seq || segment.states[at] !== LIVE) continue;
      const isTold =
        seq < from || this.selection.isLeave(seq)
          ? this.#isTold(segment, at)
          : this.#isChosen(seq, at);
      if (isTold) rows.push(at);
    }
    return this.#withGaps(segment, rows, segment.nextSeq);
  }

  #isChosen(seq: number, at: number): boolean {
    if (this.selection.isUnread(seq)) unreadRows.add(at);
    return true;
  }

  /** Whether it gets a live row, or is told by it that a key leaves, or that it cannot be told. */
  #isTold(segment: Segment, at: number): boolean {
    const told = this.#client.toldBy(segment, at, (leaves, facts) =>
      leaves.tells(facts, segment, at, ({ seq }) => seq < this.#seq),
    );
    if (told === 'leave') leavingRows.add(at);
    if (told === 'unread') unreadRows.add(at);
    return told !== null;
  }

  #rowsAmong(segment: Segment, candidates: readonly number[]): number[] {
    const from = this.#knownFrom();
    const isWanted = (at: number): boolean =>
      segment.seqs[at]! >= this.#seq &&
      segment.seqs[at]! < from &&
      segment.states[at] === LIVE &&
      this.#isTold(segment, at);
    return this.#withGaps(segment, candidates.filter(isWanted), from);
  }

  #withGaps(segment: Segment, rows: number[], end: number): number[] {
    const last = Math.min(end, segment.nextSeq);
    for (let gap = this.#log.gapFrom(this.#seq); gap !== null && gap < last; ) {
      rows.push(segment.placeOf(gap));
      gap = this.#log.gapFrom(gap + 1);
    }
    return rows.sort((a, b) => a - b);
  }

  #rowsLookedFor(segment: Segment): number[] {
    const from = this.#knownFrom();
    const { facts } = this.#client.topic;
    const candidates = this.#log.candidates(segment, this.selection.filter, facts);
    leavingRows.clear();
    if (candidates !== null) return this.#rowsAmong(segment, candidates);
    const rows: number[] = [];
    let at = segment.placeOf(this.#seq);
    for (; at < segment.count && segment.seqs[at]! < from; at++) {
      const state = segment.states[at];
      if (state === GAP) rows.push(at);
      if (state === LIVE && this.#isTold(segment, at)) rows.push(at);
    }
    return rows;
  }

  #give(page: SelectedPage): Uint8Array {
    const { bytes, time, segment, nextSeq } = page;
    this.#client.topic.traffic.sendSlice(page, this.#seq >= this.#liveFrom);
    this.#segment = segment;
    this.#seq = nextSeq;
    this.#client.isPastId = false;
    this.#client.idTime = time;
    // One that waits for its next beat then does not look again before.
    const { leaves } = this.#client;
    if (leaves !== null && this.behind() === 0) leaves.hasAll();
    return bytes;
  }

  /** What another client of the view got at this place; what leaves is each one's own. */
  #knownPage(from: number): SelectedPage | null {
    const { leaves, topic, view } = this.#client;
    if (view.clients < 2 || leaves !== null) return null;
    const page = topic.pages.find(this.#keyOf(`${this.#log.idTime}`), from);
    this.isShared = page !== null;
    return page;
  }

  #keyOf(content: string): PageKey {
    const { format } = this.#client.view;
    return { of: this.selection, format, endSeq: this.#log.nextSeq, content };
  }

  /**
   * One for all who want the same from the same place on, where they are several.
   * @param from where the client stood when it began to look
   */
  #written(from: number, segment: Segment, rows: readonly number[]): SelectedPage {
    const [first] = rows;
    const { leaves, topic, view } = this.#client;
    const isRecord = segment.states[first!] === LIVE && !unreadRows.has(first!);
    const isOneRecord = rows.length === 1 && isRecord && !leavingRows.has(first!);
    this.isShared = true;
    if (isOneRecord && segment === this.#log.tail && this.#hasAllAfter(segment)) {
      const { bytes, time, events } = this.#log.block(segment, view, first!);
      const timestamps = segment.timestamps.slice(first!, first! + 1);
      const firstSeq = segment.seqs[first!]!;
      const nextSeq = firstSeq + 1;
      return { bytes, time, events, gaps: 0, timestamps, segment, firstSeq, nextSeq };
    }
    this.isShared = view.clients > 1;
    if (!this.isShared) return this.#page(segment, rows);
    const content = leaves === null ? `${this.#log.idTime}` : this.#contentOf(segment, rows);
    const key = this.#keyOf(content);
    const known = topic.pages.find(key, segment.seqs[first!]!);
    if (known !== null) return known;
    const page = this.#page(segment, rows);
    topic.pages.add(key, from, page);
    return page;
  }

  /** What the bytes of a page depend on that is not the same for all who stand at a place. */
  #contentOf(segment: Segment, rows: readonly number[]): string {
    const times = [this.#client.timeOn(this.#log), this.#hasAllAfter(segment), this.#log.idTime];
    const told = rows.map((row) => {
      const kind = leavingRows.has(row) ? 'leave' : unreadRows.has(row) ? 'unread' : '';
      return `${segment.seqs[row]}${kind}`;
    });
    return [...times, ...told].join();
  }

  #page(segment: Segment, rows: readonly number[]): SelectedPage {
    const { view, topic } = this.#client;
    const { page, turns } = topic;
    turns.spend(PAGE_RECORDS);
    page.begin(this.#client.timeOn(this.#log));
    const last = this.#hasAllAfter(segment) ? rows.at(-1) : undefined;
    let at = segment.placeOf(this.#seq);
    const positions = segment.cursorAt(this.#seq);
    const place = { topicId: this.#log.topicId, positions, unknown: [] };
    const timestamps: number[] = [];
    for (const row of rows) {
      if (page.isFull) break;
      for (; at < row; at++) positions[segment.partitions[at]!] = segment.nextAt(at);
      const partition = segment.partitions[row]!;
      const from = positions[partition]!;
      positions[partition] = segment.nextAt(row);
      at = row + 1;
      // Who is cut before it has not had all.
      if (row === last) page.time = this.#log.idTime;
      if (unreadRows.has(row)) {
        page.gap(unreadGap(topic.topic, partition, segment.offsets[row]!), place);
      } else if (segment.states[row] === LIVE) {
        if (leavingRows.has(row)) page.leave(view.format, segment, row, place);
        else page.row(view.format, segment, row, place);
        timestamps.push(segment.timestamps[row]!);
      } else page.gap(retentionGap(topic.topic, partition, from, segment.offsets[row]! + 1), place);
    }
    const [firstSeq, nextSeq] = [segment.seqs[rows[0]!]!, segment.seqs[at - 1]! + 1];
    const live = Float64Array.from(timestamps);
    return { ...page.finish(), timestamps: live, segment, firstSeq, nextSeq };
  }
}
