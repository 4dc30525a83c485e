import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { Filter } from '../views/filter.ts';
import { FilterIndex, type FilterTally } from '../views/filter_index.ts';
import { RecordFacts } from '../views/record_facts.ts';

/** Places that are kept for those who have not taken them yet; who is slower looks for them again. */
const MAX_PLACES = 16;

/**
 * What a filter has chosen of a log since somebody is there who wants it: the places of the newest
 * records, for all clients of all views with that filter.
 */
export class Selection {
  readonly filter: Filter;
  /** From this place on it knows every record that the filter lets through. */
  fromSeq: number;
  clients = 0;
  readonly #seqs: number[] = [];
  /** Those of which it cannot be told, for want of a schema, whether the filter lets them through. */
  readonly #unread = new Set<number>();
  /** Those of them at which a key may have left the view. */
  readonly leaves: Set<number> = new Set();

  constructor(filter: Filter, fromSeq: number) {
    this.filter = filter;
    this.fromSeq = fromSeq;
  }

  /** @returns those that are not kept any more */
  push(seq: number, isUnread: boolean): readonly number[] {
    this.#seqs.push(seq);
    if (isUnread) this.#unread.add(seq);
    const count = this.#seqs.length;
    return count > 2 * MAX_PLACES ? this.#forget(count - MAX_PLACES) : NONE;
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
    return this.#unread.has(seq);
  }

  /** Whether it tells of a record, the last there is, or whoever comes there looks by itself. */
  has(seq: number): boolean {
    return this.#seqs.at(-1) === seq || this.fromSeq > seq;
  }

  /** Another has taken its place. */
  delete(seq: number): void {
    const at = this.#seqs.indexOf(seq);
    if (at >= 0) this.#seqs.splice(at, 1);
    this.leaves.delete(seq);
  }

  #forget(count: number): readonly number[] {
    const gone = this.#seqs.splice(0, count);
    for (const seq of gone) this.#unread.delete(seq);
    this.fromSeq = (gone.at(-1) ?? this.fromSeq - 1) + 1;
    return gone;
  }

  /** Its places from one on, ascending. Only from `fromSeq` on. */
  from(seq: number): readonly number[] {
    const seqs = this.#seqs;
    if (seqs.length === 0 || seqs.at(-1)! < seq) return NONE;
    const at = seqs.findIndex((one) => one >= seq);
    return at === 0 ? seqs : seqs.slice(at);
  }
}

const NONE: readonly number[] = [];

/** The filters that somebody waits with at the end of a log: each record is looked at once for all of them. */
export class Selections {
  readonly #byFilter = new Map<string, Selection>();
  readonly #index: FilterIndex<Selection>;
  /** Those of which keys can leave, looked up by the record that was superseded. */
  readonly #leaving = new Set<Selection>();
  readonly #leavingIndex = new FilterIndex<Selection>({ match: 0, skip: 0, error: 0 });
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
  #seq = 0;

  readonly #values: ValueReader | null;

  /** @param values reads the values of the records; `null` where they are looked into as they are */
  constructor(tally: FilterTally, values: ValueReader | null) {
    this.#values = values;
    this.#index = new FilterIndex(tally);
  }

  /**
   * @param seq the end of the log; each who joins has to leave
   * @param tellsLeave whether keys can leave its view
   */
  join(filter: Filter, seq: number, tellsLeave: boolean): Selection {
    let selection = this.#byFilter.get(filter.name);
    if (selection === undefined) {
      selection = new Selection(filter, seq);
      this.#byFilter.set(filter.name, selection);
      this.#index.add(filter, selection);
      if (tellsLeave) {
        this.#leaving.add(selection);
        this.#leavingIndex.add(filter, selection);
      }
    }
    selection.clients++;
    return selection;
  }

  leave(selection: Selection): void {
    if (--selection.clients > 0) return;
    this.#byFilter.delete(selection.filter.name);
    this.#index.delete(selection.filter, selection);
    if (!this.#leaving.delete(selection)) return;
    this.#leavingIndex.delete(selection.filter, selection);
    this.#takeDown(selection, [...selection.leaves]);
  }

  /** A record has come. */
  add(seq: number, record: KafkaRecord): void {
    if (this.#index.isEmpty) return;
    this.#seq = seq;
    this.#index.find(new RecordFacts(record, this.#values), this.#found);
  }

  /** Whether there are some of which keys can leave. */
  get tellLeaves(): boolean {
    return this.#leaving.size > 0;
  }

  /**
   * The record that came last has superseded another of its key, which may leave those that it is not for.
   * @param superseded `null` where it is not in memory: then any of them may have had it
   */
  addLeaves(
    seq: number,
    record: KafkaRecord,
    supersededSeq: number,
    superseded: KafkaRecord | null,
  ): void {
    this.#seq = seq;
    if (superseded !== null)
      this.#leavingIndex.find(new RecordFacts(superseded, this.#values), this.#lost);
    else {
      const facts = new RecordFacts(record, this.#values);
      for (const one of this.#leaving) if (one.filter.mayWantKeyOf(facts)) this.#lose(one);
    }
    // Nobody is woken for it: who has all there is has had it.
    for (const selection of this.#standing.get(supersededSeq) ?? []) {
      selection.delete(supersededSeq);
      if (!selection.has(seq)) this.#pushLeave(selection);
    }
    this.#standing.delete(supersededSeq);
  }

  #push(selection: Selection, isUnread: boolean): void {
    this.#takeDown(selection, selection.push(this.#seq, isUnread));
  }

  #pushLeave(selection: Selection): void {
    this.#push(selection, false);
    selection.leaves.add(this.#seq);
    const standing = this.#standing.get(this.#seq);
    if (standing === undefined) this.#standing.set(this.#seq, [selection]);
    else standing.push(selection);
  }

  #takeDown(selection: Selection, seqs: Iterable<number>): void {
    for (const seq of seqs) {
      if (!selection.leaves.delete(seq)) continue;
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
