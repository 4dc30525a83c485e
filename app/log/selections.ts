import type { Filter } from '../views/filter.ts';
import { FilterIndex, type FilterTally } from '../views/filter_index.ts';
import type { RecordFacts } from '../views/record_facts.ts';
import type { GuardUse, Move } from './guards.ts';

/** Places that are kept for those who have not taken them yet; who is slower looks for them again. */
const PLACES_PER_CLIENT = 16;
/** More do not help: what 100 clients find in what comes between two beats one of them need not look for. */
const MAX_PLACES = 2048;

/**
 * What a filter has chosen of a log since somebody is there who wants it: the places of the newest
 * records, for all clients of all views with that filter.
 */
export class Selection {
  readonly filter: Filter;
  /** Says which keys its clients may see at all; `null` for all. */
  readonly guard: GuardUse | null;
  /** From this place on it knows every record that the filter lets through. */
  fromSeq: number;
  clients = 0;
  /** Whether keys can leave it. */
  tellsLeave = false;
  #seqs: number[] = [];
  /** Those of which it cannot be told, for want of a schema, whether the filter lets them through. */
  #unread: Set<number> | null = null;
  /** Those of them at which a key may have left the view. */
  #leaves: Set<number> | null = null;

  constructor(filter: Filter, fromSeq: number, guard: GuardUse | null) {
    this.filter = filter;
    this.guard = guard;
    this.fromSeq = fromSeq;
  }

  /**
   * @param isSuperseded whether a place holds nothing for anybody any more
   * @returns those that are not kept any more
   */
  push(seq: number, isUnread: boolean, isSuperseded: (seq: number) => boolean): readonly number[] {
    this.#seqs.push(seq);
    if (isUnread) this.#unread = (this.#unread ?? new Set<number>()).add(seq);
    const max = Math.min(MAX_PLACES, PLACES_PER_CLIENT * this.clients);
    if (this.#seqs.length <= 2 * max) return NONE;
    const needless = new Set(this.#seqs.filter(isSuperseded));
    if (needless.size > 0) this.#seqs = this.#seqs.filter((one) => !needless.has(one));
    for (const one of needless) this.#unread?.delete(one);
    const more = this.#seqs.length - max;
    return more > 0 ? [...needless, ...this.#forget(more)] : [...needless];
  }

  /**
   * Whoever comes here looks at the record by itself, and at those before it.
   * @returns those that are not kept any more
   */
  pass(seq: number): readonly number[] {
    const gone = this.#forget(this.#seqs.length);
    this.fromSeq = seq + 1;
    return gone;
  }

  isUnread(seq: number): boolean {
    return this.#unread?.has(seq) === true;
  }

  /** Whether it tells of a record, the last there is, or whoever comes there looks by itself. */
  has(seq: number): boolean {
    return this.#seqs.at(-1) === seq || this.fromSeq > seq;
  }

  /** Another has taken its place. */
  delete(seq: number): void {
    const at = this.#at(seq);
    if (this.#seqs[at] === seq) this.#seqs.splice(at, 1);
    this.deleteLeave(seq);
  }

  /** Places at which a key may have left the view. */
  get leaves(): number[] {
    return [...(this.#leaves ?? [])];
  }

  isLeave(seq: number): boolean {
    return this.#leaves?.has(seq) === true;
  }

  addLeave(seq: number): void {
    this.#leaves = (this.#leaves ?? new Set<number>()).add(seq);
  }

  /** @returns whether it was one */
  deleteLeave(seq: number): boolean {
    return this.#leaves?.delete(seq) === true;
  }

  #forget(count: number): readonly number[] {
    const gone = this.#seqs.splice(0, count);
    for (const seq of gone) this.#unread?.delete(seq);
    this.fromSeq = (gone.at(-1) ?? this.fromSeq - 1) + 1;
    return gone;
  }

  /** Its first place from one on; infinite where there is none. Only from `fromSeq` on. */
  firstFrom(seq: number): number {
    return this.#seqs[this.#at(seq)] ?? Number.POSITIVE_INFINITY;
  }

  /** Its places from one on and before another, ascending. Only from `fromSeq` on. */
  between(seq: number, end: number): readonly number[] {
    return this.#seqs.slice(this.#at(seq), this.#at(end));
  }

  /** Where the first that is not below a place stands. */
  #at(seq: number): number {
    let [low, high] = [0, this.#seqs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seqs[middle]! < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const NONE: readonly number[] = [];

/** The filters that somebody waits with at the end of a log: each record is looked at once for all of them. */
export class Selections {
  readonly #byFilter = new Map<string, Selection>();
  readonly #index: FilterIndex<Selection>;
  /** Those of which keys can leave, looked up by the record that was superseded. */
  readonly #leavingIndex = new FilterIndex<Selection>({ match: 0, skip: 0, error: 0 });
  /** Those of them that may see any key, and the others by shape and constant of what they may see. */
  readonly #leaving = new Set<Selection>();
  readonly #guarded = new Map<object, Map<number, Set<Selection>>>();
  #leavingCount = 0;
  /**
   * Where a key went out, and of which: as long as a slow client may lack that, the key's next record
   * that is not for it either tells it in its place.
   */
  readonly #standing = new Map<number, Selection[]>();
  #matched = new Set<Selection>();
  readonly #found = {
    match: (selection: Selection): void => {
      this.#push(selection, false);
      this.#matched.add(selection);
    },
    unread: (selection: Selection): void => {
      this.#push(selection, true);
      this.#matched.add(selection);
    },
    later: (selection: Selection): void => {
      this.#takeDown(selection, selection.pass(this.#seq));
      this.#matched.add(selection);
    },
  };
  readonly #lose = (selection: Selection): void => {
    if (selection.has(this.#seq)) return;
    this.#pushLeave(selection);
    this.#matched.add(selection);
  };
  /** What cannot be told of the record before may have been in the view. */
  readonly #lost = { match: this.#lose, unread: this.#lose, later: this.#lose };
  readonly #isSuperseded: (seq: number) => boolean;
  #seq = 0;

  /** @param isSuperseded whether the record of a place is known to be */
  constructor(tally: FilterTally, isSuperseded: (seq: number) => boolean) {
    this.#index = new FilterIndex(tally);
    this.#isSuperseded = isSuperseded;
  }

  /**
   * @param seq the end of the log; each who joins has to leave
   * @param tellsLeave whether keys can leave its view
   * @param guard says which keys may be seen at all; `null` for all
   */
  join(filter: Filter, seq: number, tellsLeave: boolean, guard: GuardUse | null = null): Selection {
    let selection = this.#byFilter.get(filter.name);
    if (selection === undefined) {
      selection = new Selection(filter, seq, guard);
      this.#byFilter.set(filter.name, selection);
      this.#index.add(filter, selection);
      if (tellsLeave) this.#addLeaving(selection);
    }
    selection.clients++;
    return selection;
  }

  leave(selection: Selection): void {
    if (--selection.clients > 0) return;
    this.#byFilter.delete(selection.filter.name);
    this.#index.delete(selection.filter, selection);
    if (!selection.tellsLeave) return;
    this.#deleteLeaving(selection);
    this.#takeDown(selection, selection.leaves);
  }

  /** A record has come. */
  add(seq: number, facts: RecordFacts): void {
    if (this.#index.isEmpty) return;
    this.#seq = seq;
    this.#index.find(facts, this.#found);
  }

  /** Whether there are some of which keys can leave. */
  get tellLeaves(): boolean {
    return this.#leavingCount > 0;
  }

  #addLeaving(selection: Selection): void {
    const { filter, guard } = selection;
    selection.tellsLeave = true;
    this.#leavingCount++;
    this.#leavingIndex.add(filter, selection);
    if (guard === null) this.#leaving.add(selection);
    for (const constant of guard?.constants ?? []) {
      const ofShape = this.#guarded.get(guard!.shape) ?? new Map<number, Set<Selection>>();
      this.#guarded.set(guard!.shape, ofShape);
      const there = ofShape.get(constant);
      if (there === undefined) ofShape.set(constant, new Set([selection]));
      else there.add(selection);
    }
  }

  #deleteLeaving(selection: Selection): void {
    const { filter, guard } = selection;
    this.#leavingCount--;
    this.#leavingIndex.delete(filter, selection);
    this.#leaving.delete(selection);
    for (const constant of guard?.constants ?? []) {
      const ofShape = this.#guarded.get(guard!.shape)!;
      const there = ofShape.get(constant)!;
      there.delete(selection);
      if (there.size === 0) ofShape.delete(constant);
      if (ofShape.size === 0) this.#guarded.delete(guard!.shape);
    }
  }

  /**
   * The record that came last has superseded another of its key, which may leave those that it is not for.
   * @param superseded `null` where it is not in memory: then any of them may have had it
   * @param moves what guards let through of it, and let through now
   */
  addLeaves(
    seq: number,
    facts: RecordFacts,
    supersededSeq: number,
    superseded: RecordFacts | null,
    moves: readonly Move[],
  ): void {
    this.#seq = seq;
    if (superseded !== null) this.#leavingIndex.find(superseded, this.#lost);
    else {
      for (const one of this.#leaving) if (one.filter.mayWantKeyOf(facts)) this.#lose(one);
      for (const { shape, from, to } of moves) {
        const guarded = this.#guarded.get(shape);
        // Some of them have to begin anew.
        if (from === null) for (const some of guarded?.values() ?? []) this.#wakeAll(some);
        else for (const one of guarded?.get(from) ?? []) this.#lose(one);
        if (from !== to) for (const one of guarded?.get(to) ?? []) this.#lose(one);
      }
    }
    // Nobody is woken for it: who has all there is has had it.
    for (const selection of this.#standing.get(supersededSeq) ?? []) {
      selection.delete(supersededSeq);
      if (!selection.has(seq)) this.#pushLeave(selection);
    }
    this.#standing.delete(supersededSeq);
  }

  #wakeAll(selections: Iterable<Selection>): void {
    for (const one of selections) this.#matched.add(one);
  }

  #push(selection: Selection, isUnread: boolean): void {
    this.#takeDown(selection, selection.push(this.#seq, isUnread, this.#isSuperseded));
  }

  #pushLeave(selection: Selection): void {
    this.#push(selection, false);
    selection.addLeave(this.#seq);
    const standing = this.#standing.get(this.#seq);
    if (standing === undefined) this.#standing.set(this.#seq, [selection]);
    else standing.push(selection);
  }

  #takeDown(selection: Selection, seqs: Iterable<number>): void {
    for (const seq of seqs) {
      if (!selection.deleteLeave(seq)) continue;
      const left = this.#standing.get(seq)?.filter((one) => one !== selection) ?? [];
      if (left.length === 0) this.#standing.delete(seq);
      else this.#standing.set(seq, left);
    }
  }

  /** Those that got something since this was asked last. */
  takeMatched(): ReadonlySet<Selection> {
    const matched = this.#matched;
    if (matched.size > 0) this.#matched = new Set();
    return matched;
  }
}
