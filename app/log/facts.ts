import type { Filter, Outcome } from '../views/filter.ts';
import { type Field, RecordFacts, workDone } from '../views/record_facts.ts';
import type { Columns } from './columns.ts';

/** Bytes of values that are kept as they were parsed: some megabytes of memory at the most. */
const MAX_BYTES = 2 ** 20;
/** What a row takes beside. */
const ROW_BYTES = 256;
/** To look at a record takes as long as to look at so many characters. */
export const RECORD_WORK = 128;

/** Bounds how much is looked at at once. */
interface Bounds {
  /** So many records have been looked at. */
  readonly spend: (records: number) => void;
  /** Called once nobody looks at anything any more. */
  onRest: (() => void) | null;
}

/**
 * What filters ask of records in memory. Those who come back look at the same ones at about the same
 * time, each by its own filter: a value is parsed once for all of them.
 */
export class Facts {
  readonly #bounds: Bounds;
  /** By sequence number: a segment that is squeezed has other rows. */
  #kept = new WeakMap<Columns, Map<number, RecordFacts>>();
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    bounds.onRest = () => this.#clear();
  }

  /** So many records have been looked at beside. */
  spend(records: number): void {
    this.#bounds.spend(records);
  }

  /** What comes of a filter and the record in a row. */
  outcome(filter: Filter, columns: Columns, at: number): Outcome {
    return this.outcomeOf(
      filter,
      filter.looksAtValue ? this.#of(columns, at) : factsOf(columns, at),
    );
  }

  /** The same of a record that is at hand. */
  outcomeOf(filter: Filter, facts: RecordFacts): Outcome {
    const before = workDone();
    const outcome = filter.outcome(facts);
    this.spend(1 + (workDone() - before) / RECORD_WORK);
    return outcome;
  }

  /** Those of a row, kept for a moment; what is looked at for a field is counted. */
  ofField(columns: Columns, at: number, field: Field): RecordFacts {
    const before = workDone();
    const facts = this.#of(columns, at);
    facts.text(field);
    this.spend((workDone() - before) / RECORD_WORK);
    return facts;
  }

  #of(columns: Columns, at: number): RecordFacts {
    const seq = columns.seqs[at]!;
    const rows = this.#kept.get(columns);
    const known = rows?.get(seq);
    if (known !== undefined) return known;
    const facts = factsOf(columns, at);
    const bytes = ROW_BYTES + (facts.record.value?.length ?? 0);
    if (this.#bytes + bytes > MAX_BYTES) this.#clear();
    this.#bytes += bytes;
    const kept = this.#kept.get(columns) ?? new Map<number, RecordFacts>();
    this.#kept.set(columns, kept.set(seq, facts));
    return facts;
  }

  #clear(): void {
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    this.#kept = new WeakMap();
  }
}

function factsOf(columns: Columns, at: number): RecordFacts {
  return new RecordFacts(columns.record(at), columns.values);
}
