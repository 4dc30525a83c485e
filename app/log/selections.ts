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

  constructor(filter: Filter, fromSeq: number) {
    this.filter = filter;
    this.fromSeq = fromSeq;
  }

  push(seq: number, isUnread: boolean): void {
    this.#seqs.push(seq);
    if (isUnread) this.#unread.add(seq);
    if (this.#seqs.length > 2 * MAX_PLACES) this.#forget(this.#seqs.length - MAX_PLACES);
  }

  /** Whoever comes here looks at the record by itself, and at those before it. */
  pass(seq: number): void {
    this.#forget(this.#seqs.length);
    this.fromSeq = seq + 1;
  }

  isUnread(seq: number): boolean {
    return this.#unread.has(seq);
  }

  #forget(count: number): void {
    const gone = this.#seqs.splice(0, count);
    for (const seq of gone) this.#unread.delete(seq);
    this.fromSeq = (gone.at(-1) ?? this.fromSeq - 1) + 1;
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
  #matched = new Set<Selection>();
  readonly #found = {
    match: (selection: Selection): void => {
      selection.push(this.#seq, false);
      this.#matched.add(selection);
    },
    unread: (selection: Selection): void => {
      selection.push(this.#seq, true);
      this.#matched.add(selection);
    },
    later: (selection: Selection): void => {
      selection.pass(this.#seq);
      this.#matched.add(selection);
    },
  };
  #seq = 0;

  readonly #values: ValueReader | null;

  /** @param values reads the values of the records; `null` where they are looked into as they are */
  constructor(tally: FilterTally, values: ValueReader | null) {
    this.#values = values;
    this.#index = new FilterIndex(tally);
  }

  /** @param seq the end of the log; each who joins has to leave */
  join(filter: Filter, seq: number): Selection {
    let selection = this.#byFilter.get(filter.name);
    if (selection === undefined) {
      selection = new Selection(filter, seq);
      this.#byFilter.set(filter.name, selection);
      this.#index.add(filter, selection);
    }
    selection.clients++;
    return selection;
  }

  leave(selection: Selection): void {
    if (--selection.clients > 0) return;
    this.#byFilter.delete(selection.filter.name);
    this.#index.delete(selection.filter, selection);
  }

  /** A record has come. */
  add(seq: number, record: KafkaRecord): void {
    if (this.#index.isEmpty) return;
    this.#seq = seq;
    this.#index.find(new RecordFacts(record, this.#values), this.#found);
  }

  /** Those that got something since this was asked last. */
  takeMatched(): ReadonlySet<Selection> {
    const matched = this.#matched;
    if (matched.size > 0) this.#matched = new Set();
    return matched;
  }
}
