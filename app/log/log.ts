import type { Batch, KafkaRecord, Offsets } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { Filter } from '../views/filter.ts';
import type { FilterTally } from '../views/filter_index.ts';
import { bytesOf, RecordFacts } from '../views/record_facts.ts';
import type { View } from '../views/view.ts';
import { coversAll, type Positions } from '../wire/place.ts';
import type { TopicId } from '../wire/topic_id.ts';
import { DEAD, LIVE, NO_RECORD, UNKNOWN_RECORD } from './columns.ts';
import type { Block, Encoding, Slice } from './encoding.ts';
import type { Facts } from './facts.ts';
import { Guards, type GuardUse } from './guards.ts';
import type { IdClock } from './id_clock.ts';
import type { ForgottenDelete, KeyIndex, Place as KeyPlace } from './key_index.ts';
import { SEGMENT_BYTES, SEGMENT_ROWS, Segment } from './segment.ts';
import { Selections } from './selections.ts';

/** Records in memory, their encoded blocks, and what is read back: their shares of the memory. */
const RECORDS_SHARE = 0.5;
const ENCODED_SHARE = 0.25;
export const HISTORY_SHARE = 0.25;

/** Keys are looked up at once in so many places: about a millisecond. */
const MAX_LOOK_UPS = 10_000;
/** So many of them take as long as to look at a record. */
const LOOK_UPS_A_RECORD = 10;

/** What a log is made with. */
export interface LogOptions {
  readonly topic: string;
  readonly topicId: TopicId;
  /** Where the reading of each partition begins. */
  readonly start: Positions;
  readonly maxBytes: number;
  /** The latest of each key, on compacted topics. */
  readonly keys: KeyIndex | null;
  /** Gives ids their time, on compacted topics. */
  readonly clock: IdClock | null;
  /** Reads the values; left out: they are shown as they are. */
  readonly values?: ValueReader | undefined;
  /** Counts what filters make of the records. */
  readonly tally?: FilterTally;
  /** How many changes are kept of what guards let through. */
  readonly maxChanges?: number | undefined;
}

/** Where a log ended at a time: the cursor that the feed had then, and its place in the log. */
export interface LogEnd {
  readonly log: Log;
  readonly seq: number;
  readonly positions: Positions;
}

/** A record in memory, and its place. */
export interface SeenRecord {
  readonly seq: number;
  readonly record: KafkaRecord;
  /** Reads its value; `null` where it is looked into as it is. */
  readonly values: ValueReader | null;
}

/** Deletes that Kafka has dropped: whoever stands below one does not get it any more. */
export interface Dropped {
  readonly log: Log;
  /** The sequence number of the last of them. */
  readonly seq: number;
  /** Where the last of each partition ends; 0 where there is none. */
  readonly past: Positions;
}

/**
 * The records that a feed has in memory, in the order in which it read them, up to a cap in bytes:
 * the newest of a plain topic; on a compacted one the latest of each key, of which the oldest
 * leave when they do not fit.
 *
 * A place in it is a sequence number. On a compacted topic a record that is superseded dies where
 * it stands, so that a slow client skips it without anything being done for that client.
 */
export class Log {
  readonly topicId: TopicId;
  /** The feed's cursor: where the next fetch goes. */
  positions: Positions;
  /** The cursor before the first record that may be in memory: what lies below comes from Kafka. */
  start: Positions;
  readonly keys: KeyIndex | null;
  readonly clock: IdClock | null;
  /** The end of the log when a record below memory was superseded last. */
  supersededSeq = 0;
  /** The end of the log before what was read last. */
  batchSeq = 0;
  /** The place of the last gap: a new client is not told of what was lost before it came. */
  lastGapSeq = -1;
  /** Those that are in memory, and before them the last one that has left it. */
  #gapSeqs: number[] = [];
  /** What comes into and goes out of what guards let through, on compacted topics. */
  readonly guards: Guards | null;
  /** Whether rows tell where the record of their key before them stands: 8 bytes a row. */
  linksKeys = false;
  /** What the filters of those choose who wait for what comes. */
  readonly selections: Selections;
  /** Where the last gap of a partition ends: what lies below may never have been read. */
  readonly #lostBelow = new Map<number, number>();
  /** Is told of deletes that are gone. */
  onDropped: ((dropped: Dropped) => void) | null = null;
  /** Set once another log has taken this one's place. */
  successor: Log | null = null;
  readonly #topic: string;
  readonly #values: ValueReader | undefined;
  readonly #segments: Segment[] = [];
  readonly #maxBytes: number;
  /** Records leave memory a segment at a time. */
  readonly #segmentBytes: number;
  #nextSeq = 0;
  /** Places below this one have left memory. */
  #evictedSeq = 0;
  #heldBytes = 0;
  #records = 0;
  /** In the order in which they were made. */
  readonly #encodings = new Map<Encoding, Segment>();
  #encodedBytes = 0;

  constructor(options: LogOptions) {
    this.#topic = options.topic;
    this.#values = options.values;
    this.topicId = options.topicId;
    this.positions = options.start.slice();
    this.start = options.start;
    this.keys = options.keys;
    this.clock = options.clock;
    const tally = options.tally ?? { match: 0, skip: 0, error: 0 };
    const values = options.values ?? null;
    this.selections = new Selections(tally, (seq) => this.#isSuperseded(seq));
    this.guards = this.keys === null ? null : new Guards(this.keys, values, options.maxChanges);
    this.#maxBytes = options.maxBytes;
    this.#segmentBytes = Math.min(SEGMENT_BYTES, options.maxBytes / 16);
    this.#addSegment(0);
  }

  get tail(): Segment {
    return this.#segments.at(-1)!;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Where it ends now. */
  end(): LogEnd {
    return { log: this, seq: this.#nextSeq, positions: this.positions.slice() };
  }

  /** The time of an id that is made now; `null` on a topic that is not compacted. */
  get idTime(): number | null {
    return this.clock === null ? null : this.clock.seconds;
  }

  /** Live records in memory. */
  get records(): number {
    return this.#records;
  }

  /** Bytes held, encoded blocks included. */
  get bytes(): number {
    return this.#heldBytes + this.#encodedBytes;
  }

  /** @param lows log starts of partitions in which the batch jumps: what lies below is lost */
  append(batch: Batch, lows: Offsets): void {
    this.batchSeq = this.#nextSeq;
    const lost = (partition: number, next: number): number =>
      Math.min(lows.get(partition) ?? 0, next);
    for (const record of batch.records) {
      this.#appendMove(record.partition, lost(record.partition, record.offset), true);
      this.#appendRecord(record);
    }
    for (const [partition, next] of batch.positions) {
      this.#appendMove(partition, lost(partition, next), true);
      this.#appendMove(partition, next, false);
    }
    this.#evict();
  }

  /** From here on every id names the new partitions as well. */
  addPartitions(start: Positions): void {
    const positions = new Float64Array(start);
    positions.set(this.positions);
    this.positions = positions;
    const first = new Float64Array(start);
    first.set(this.start);
    this.start = first;
    this.#addSegment(0);
  }

  /** Whether everything that a client at `cursor` lacks is in memory. */
  covers(cursor: Positions): boolean {
    return coversAll(cursor, this.start);
  }

  /** Whether a record that was read back is still the latest of its key. */
  isLatest(segment: Segment, at: number): boolean {
    if (this.keys === null) return true;
    const { partition, offset, key, value } = segment.record(at);
    if (key === null || offset >= this.positions[partition]!) return true;
    const latest = this.keys.get(partition, key);
    if (latest !== null) return latest.offset <= offset;
    // A delete that the index has forgotten, or what it never had because the feed jumped over it.
    return value === null || offset < (this.#lostBelow.get(partition) ?? 0);
  }

  /** A place before which the client has every record; `covers(cursor)` must hold. */
  seqOf(cursor: Positions): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (coversAll(cursor, this.#segments[middle]!.origin)) low = middle;
      else high = middle - 1;
    }
    return this.#segments[low]!.firstSeq;
  }

  /** The segment in which to look for a place; `null` once it has left memory. */
  locate(seq: number): Segment | null {
    if (seq < this.#evictedSeq) return null;
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#segments[middle]!.nextSeq > seq) high = middle;
      else low = middle + 1;
    }
    return this.#segments[low]!;
  }

  /** Rows in which a filter may find what it wants, see `Segment.candidates`. */
  candidates(segment: Segment, filter: Filter, facts: Facts): number[] | null {
    if (segment.gone) return null;
    const before = segment.heldBytes;
    const rows = segment.candidates(filter, facts, this.tellsLeave(filter));
    this.#heldBytes += segment.heldBytes - before;
    return rows;
  }

  /** Whether a key can leave a view with that filter: by a newer record that it does not let through. */
  tellsLeave(filter: Filter): boolean {
    return this.keys !== null && !filter.isOfKey;
  }

  /** The records of a row's key before it, the newest first; `null` once one is not in memory. */
  *recordsBefore(segment: Segment, at: number): Iterable<SeenRecord | null> {
    for (let seq = segment.previousOf(at); seq !== NO_RECORD; ) {
      const found = seq === UNKNOWN_RECORD ? null : this.#find(seq);
      yield found && {
        seq,
        record: found.segment.record(found.at),
        values: found.segment.values,
      };
      if (found === null) return;
      seq = found.segment.previousOf(found.at);
    }
  }

  /**
   * Whether a guard let through a record of a key before one that it refuses, and the key went out of it since a
   * place, as far as that is known. That one may have been read back before it came.
   */
  hadKey(use: GuardUse, record: KafkaRecord, sinceSeq: number): boolean {
    const guards = this.guards!;
    const { partition, offset, key } = record;
    if (guards.took(use, record, sinceSeq)) return true;
    if (key === null || offset < this.positions[partition]!) return false;
    const newest = this.keys!.get(partition, key);
    const found = newest === null ? null : this.#find(newest.seq);
    return guards.letsThrough(use, record, found === null ? null : found.segment.record(found.at));
  }

  /** Where a record stands, dead or not; `null` where it is not in memory. */
  #find(seq: number): { readonly segment: Segment; readonly at: number } | null {
    const segment = this.locate(seq);
    if (segment === null) return null;
    const at = segment.placeOf(seq);
    return at < segment.count && segment.seqs[at] === seq ? { segment, at } : null;
  }

  /** Whether the record of a place is known to be; of those that have left memory it is not. */
  #isSuperseded(seq: number): boolean {
    if (this.keys === null || seq < this.#evictedSeq) return false;
    const found = this.#find(seq);
    return found === null || found.segment.states[found.at] === DEAD;
  }

  /**
   * The places of the latest records of a filter's keys, ascending, on a compacted topic: there is no
   * other that it may want. `null` where it asks for no keys, or for too many.
   * @param facts is told how much was looked up
   */
  latestOf(filter: Filter, facts: Facts): number[] | null {
    const seqs: number[] = [];
    const isKnown = this.#eachLatest(filter, facts, (_, { seq }) => seqs.push(seq));
    return isKnown ? seqs.sort((a, b) => a - b) : null;
  }

  /** The same by their offsets, of each partition ascending. */
  latestOffsetsOf(filter: Filter, facts: Facts): ReadonlyMap<number, readonly number[]> | null {
    const offsets = new Map<number, number[]>();
    const isKnown = this.#eachLatest(filter, facts, (partition, { offset }) => {
      const known = offsets.get(partition);
      if (known === undefined) offsets.set(partition, [offset]);
      else known.push(offset);
    });
    for (const some of offsets.values()) some.sort((a, b) => a - b);
    return isKnown ? offsets : null;
  }

  /** Whether the index of keys tells where the latest of a filter's keys are. */
  findsLatestOf(filter: Filter): boolean {
    const keys = keysOf(filter);
    if (this.keys === null || keys === null) return false;
    return keys.length * this.positions.length <= MAX_LOOK_UPS;
  }

  #eachLatest(
    filter: Filter,
    facts: Facts,
    use: (partition: number, latest: KeyPlace) => void,
  ): boolean {
    if (!this.findsLatestOf(filter)) return false;
    const keys = keysOf(filter)!;
    const partitions = this.positions.length;
    facts.spend(1 + (keys.length * partitions) / LOOK_UPS_A_RECORD);
    for (const value of keys) {
      const key = bytesOf(value);
      for (let partition = 0; partition < partitions; partition++) {
        const latest = this.keys!.get(partition, key);
        if (latest !== null) use(partition, latest);
      }
    }
    return true;
  }

  /** The place of the first gap from a place on; it may have left memory. */
  gapFrom(seq: number): number | null {
    if (seq > this.lastGapSeq) return null;
    return this.#gapSeqs.find((one) => one >= seq) ?? null;
  }

  /** Lets deletes go that Kafka has dropped, and the index has forgotten. */
  forget(forgotten: readonly ForgottenDelete[]): void {
    if (forgotten.length === 0) return;
    const past = new Float64Array(this.positions.length);
    let last = 0;
    for (const { partition, offset, seq } of forgotten) {
      past[partition] = Math.max(past[partition]!, offset + 1);
      last = Math.max(last, seq);
    }
    // While they are there: whoever waits with a filter looks whether they were for it.
    this.onDropped?.({ log: this, seq: last, past });
    for (const { seq } of forgotten) this.#kill(seq);
  }

  /**
   * Forgets the deletes that Kafka has dropped from a range that was read back.
   * @param records all there are in it
   */
  forgetAbsent(
    partition: number,
    from: number,
    next: number,
    records: readonly KafkaRecord[],
  ): void {
    if (this.keys === null || this.keys.deletes === 0) return;
    const there = new Set(records.map(({ offset }) => offset));
    this.forget(this.keys.forgetAbsent(partition, from, next, (offset) => there.has(offset)));
  }

  /** Encodes what is missing, within the memory for encoded blocks. */
  encode(segment: Segment, view: View): Encoding {
    const known = segment.encodings.get(view.format);
    if (known !== undefined && known.count === segment.count) return known;
    const before = known === undefined ? 0 : known.heldBytes;
    const encoding = segment.encode(view);
    this.#encodedBytes += encoding.heldBytes - before;
    if (known === undefined) this.#encodings.set(encoding, segment);
    for (const [oldest, owner] of this.#encodings) {
      if (this.#encodedBytes <= this.#maxBytes * ENCODED_SHARE) break;
      if (oldest !== encoding && owner !== this.tail) this.#dropEncoding(oldest, owner);
    }
    return encoding;
  }

  /** The blocks of a segment from a sequence number on, see `Encoding.slice`. */
  slice(segment: Segment, view: View, seq: number): Slice | null {
    const encoding = this.encode(segment, view);
    const before = encoding.heldBytes;
    const slice = encoding.slice(segment.placeOf(seq));
    this.#encodedBytes += encoding.heldBytes - before;
    return slice;
  }

  /** The block of a live row, the same bytes for all. */
  block(segment: Segment, view: View, at: number): Block {
    const encoding = this.encode(segment, view);
    const before = encoding.heldBytes;
    const block = encoding.block(at);
    this.#encodedBytes += encoding.heldBytes - before;
    return block;
  }

  #appendMove(partition: number, next: number, isGap: boolean): void {
    if (next <= this.positions[partition]!) return;
    this.#makeRoom(0);
    const { tail } = this;
    const seq = this.#nextSeq++;
    if (isGap) {
      this.lastGapSeq = seq;
      this.#gapSeqs.push(seq);
      this.#lostBelow.set(partition, next);
    }
    this.#account(tail, () => tail.appendMove(seq, partition, next, isGap));
    this.positions[partition] = next;
  }

  #appendRecord(record: KafkaRecord): void {
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    this.#makeRoom(size);
    const seq = this.#nextSeq++;
    const { partition, offset, key, value } = record;
    const hasLatest = this.keys !== null && key !== null;
    const previous = hasLatest ? this.keys.put(partition, key, offset, seq, value === null) : null;
    const link = hasLatest && this.linksKeys ? (previous?.seq ?? NO_RECORD) : UNKNOWN_RECORD;
    this.#account(this.tail, () => this.tail.append(seq, record, link));
    this.positions[partition] = offset + 1;
    // Once for all that look at it: to parse a value is what costs.
    const facts = new RecordFacts(record, this.#values ?? null);
    this.selections.add(seq, facts);
    if (previous === null) return;
    const { guards } = this;
    if (this.selections.tellLeaves || guards?.isEmpty === false) {
      const found = this.#find(previous.seq);
      const superseded =
        found && new RecordFacts(found.segment.record(found.at), found.segment.values);
      const moves = guards?.supersede(seq, facts, superseded) ?? [];
      this.selections.addLeaves(seq, facts, previous.seq, superseded, moves);
    }
    this.#kill(previous.seq);
    if (previous.offset < this.start[partition]!) this.supersededSeq = seq + 1;
  }

  #kill(seq: number): void {
    const segment = this.locate(seq);
    const at = segment?.placeOf(seq) ?? 0;
    if (segment === null || segment.seqs[at] !== seq || segment.states[at] !== LIVE) return;
    this.#account(segment, () => segment.kill(at));
    if (segment !== this.tail) this.#squeeze(segment);
  }

  /** Once half of a segment is dead its bytes are let go; what is left of two may become one. */
  #squeeze(segment: Segment): void {
    if (segment.deadBytes * 2 <= segment.recordBytes) return;
    for (const encoding of segment.encodings.values()) this.#dropEncoding(encoding, segment);
    this.#account(segment, () => segment.squeeze());
    const index = this.#segments.indexOf(segment);
    const previous = this.#segments[index - 1];
    if (segment.count > 0) {
      if (previous === undefined || previous.start.length !== segment.start.length) return;
      if (previous.recordBytes + segment.recordBytes > this.#segmentBytes / 2) return;
      if (previous.count + segment.count > SEGMENT_ROWS) return;
      for (const encoding of previous.encodings.values()) this.#dropEncoding(encoding, previous);
      this.#account(previous, () => previous.absorb(segment));
    }
    this.#segments.splice(index, 1);
    this.#remove(segment);
  }

  /** For a record of that size, or for a move. */
  #makeRoom(size: number): void {
    const { count, recordBytes } = this.tail;
    const isFull = recordBytes > 0 && recordBytes + size > this.#segmentBytes;
    if (isFull || count >= SEGMENT_ROWS) this.#addSegment(size);
  }

  #addSegment(size: number): void {
    const full = this.#segments.at(-1);
    const segment = new Segment({
      topic: this.#topic,
      topicId: this.topicId,
      start: this.positions.slice(),
      clock: this.clock,
      values: this.#values,
      firstSeq: this.#nextSeq,
      capacity: Math.max(Math.min(1024, this.#segmentBytes), size),
    });
    this.#heldBytes += segment.heldBytes;
    this.#segments.push(segment);
    if (full !== undefined) this.#squeeze(full);
  }

  #account(segment: Segment, change: () => void): void {
    const { heldBytes, liveCount } = segment;
    change();
    this.#heldBytes += segment.heldBytes - heldBytes;
    this.#records += segment.liveCount - liveCount;
  }

  #evict(): void {
    while (this.#heldBytes > this.#maxBytes * RECORDS_SHARE && this.#segments.length > 1) {
      const oldest = this.#segments.shift()!;
      if (this.guards !== null) noteEvicted(this.guards, oldest);
      this.#evictedSeq = oldest.nextSeq;
      // Of partitions that were added later nothing leaves memory yet.
      this.start = this.start.slice();
      this.start.set(this.#segments[0]!.origin);
      this.#remove(oldest);
    }
    const left = this.#gapSeqs.findLastIndex((seq) => seq < this.#evictedSeq);
    if (left > 0) this.#gapSeqs.splice(0, left);
  }

  #remove(segment: Segment): void {
    for (const encoding of segment.encodings.values()) this.#dropEncoding(encoding, segment);
    this.#heldBytes -= segment.heldBytes;
    this.#records -= segment.liveCount;
    segment.leave();
  }

  #dropEncoding(encoding: Encoding, owner: Segment): void {
    this.#encodings.delete(encoding);
    this.#encodedBytes -= encoding.heldBytes;
    for (const [format, one] of owner.encodings) {
      if (one === encoding) owner.encodings.delete(format);
    }
  }
}

/** The keys that a filter asks for by equality; `null` where it does not. */
function keysOf({ equalities }: Filter): readonly string[] | null {
  return equalities.find(({ field }) => field === 'key')?.values ?? null;
}

/** The newest records of keys leave memory. */
function noteEvicted(guards: Guards, segment: Segment): void {
  guards.hasEvicted = true;
  if (guards.isEmpty) return;
  for (let at = 0; at < segment.count; at++) {
    if (segment.states[at] === LIVE) guards.evict(segment.record(at));
  }
}
