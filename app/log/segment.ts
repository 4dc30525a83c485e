import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { Filter } from '../views/filter.ts';
import type { Format } from '../views/format.ts';
import type { Field } from '../views/record_facts.ts';
import type { View } from '../views/view.ts';
import { ByteWriter } from '../wire/byte_writer.ts';
import type { Positions } from '../wire/place.ts';
import type { TopicId } from '../wire/topic_id.ts';
import { type Columns, DEAD, GAP, HOLE, LIVE, resized, UNKNOWN_RECORD } from './columns.ts';
import { Encoding } from './encoding.ts';
import type { Facts } from './facts.ts';
import { FieldPlaces, MAX_ROWS } from './field_places.ts';
import { readHeaders, writeHeaders } from './header_bytes.ts';
import type { IdClock } from './id_clock.ts';

/** Records of a segment, key, value and header bytes together, unless one record is larger. */
export const SEGMENT_BYTES: number = 64 * 1024;
/** And so many at the most, and holes and gaps with them: what is done with a segment at once is bounded. */
export const SEGMENT_ROWS: number = 4096;

const NULL_LENGTH = -1;

/** Of so many fields places are kept: what clients ask for may be any. */
const MAX_PLACES = 4;
/** So many rows that were added since are looked at by each who comes. */
const MAX_UNPLACED = 64;

/** What a segment is made with. */
export interface SegmentOptions {
  readonly topic: string;
  readonly topicId: TopicId;
  /** The feed's cursor before the first record; `null` where blocks get no ids. */
  readonly start: Positions | null;
  /** Gives ids their time, on compacted topics. */
  readonly clock: IdClock | null;
  /** Reads the values; left out: they are shown as they are. */
  readonly values?: ValueReader | undefined;
  /** Sequence number of the first place. */
  readonly firstSeq: number;
  /** Bytes of records that are expected. */
  readonly capacity: number;
}

/**
 * A run of records in the feed's order, about 64 kB. It keeps the bytes that Kafka had, and their
 * blocks in each format that was asked for, encoded once for all clients.
 *
 * Columns instead of an object a record: an object with two buffers takes some 400 bytes beside
 * its content, a row of these columns 41.
 */
export class Segment implements Columns {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly hasIds: boolean;
  readonly clock: IdClock | null;
  readonly values: ValueReader | null;
  /** The feed's cursor when the segment began; empty where blocks get no ids. */
  readonly origin: Positions;
  /** The cursor before the first place: `origin`, and past what was squeezed out before it. */
  start: Positions;
  readonly firstSeq: number;
  /** Set once the segment has left the log; from then on it only knows cursors. */
  gone = false;
  count = 0;
  /** Records that are not superseded. */
  liveCount = 0;
  /** Bytes of records that are dead. */
  deadBytes = 0;
  /** Counts deaths, so that a kept slice knows when it is stale. */
  deaths = 0;
  seqs: Float64Array = new Float64Array(1);
  partitions: Int32Array = new Int32Array(1);
  offsets: Float64Array = new Float64Array(1);
  timestamps: Float64Array = new Float64Array(1);
  states: Uint8Array = new Uint8Array(1);
  readonly encodings: Map<Format, Encoding> = new Map();
  /** Where the values of fields stand that were asked for, the one that was made last behind. */
  readonly #places = new Map<Field, FieldPlaces>();
  #keyLengths = new Int32Array(1);
  #valueLengths = new Int32Array(1);
  #ends = new Uint32Array(1);
  /** Its partition's position after each place; `null` while nothing was squeezed out. */
  #nexts: Float64Array | null = null;
  /** The place of the record of its key before each; `null` while none is noted. */
  #previous: Float64Array | null = null;
  #raw: ByteWriter;

  constructor({ topic, topicId, start, clock, values, firstSeq, capacity }: SegmentOptions) {
    this.topic = topic;
    this.topicId = topicId;
    this.hasIds = start !== null;
    this.clock = clock;
    this.values = values ?? null;
    this.origin = start ?? new Float64Array(0);
    this.start = this.origin;
    this.firstSeq = firstSeq;
    this.#raw = new ByteWriter(capacity);
  }

  /** Bytes of the records, dead ones included. */
  get recordBytes(): number {
    return this.#raw.length;
  }

  /** Bytes held in memory, encodings left out. */
  get heldBytes(): number {
    const row = 41 + (this.#nexts === null ? 0 : 8) + (this.#previous === null ? 0 : 8);
    const cursors = this.start === this.origin ? 1 : 2;
    let places = 0;
    for (const { heldBytes } of this.#places.values()) places += heldBytes;
    return this.#raw.capacity + this.seqs.length * row + this.start.byteLength * cursors + places;
  }

  /** Bytes of the blocks in all formats. */
  get encodedBytes(): number {
    let bytes = 0;
    for (const encoding of this.encodings.values()) bytes += encoding.heldBytes;
    return bytes;
  }

  get nextSeq(): number {
    return this.count === 0 ? this.firstSeq : this.seqs[this.count - 1]! + 1;
  }

  /** @param previous the place of the record of its key before it, or what stands for that */
  append(seq: number, record: KafkaRecord, previous: number = UNKNOWN_RECORD): void {
    const { key, value } = record;
    this.#place(seq, record.partition, record.offset, record.timestamp, LIVE);
    if (key !== null) this.#raw.bytes(key);
    if (value !== null) this.#raw.bytes(value);
    writeHeaders(this.#raw, record.headers);
    const at = this.count - 1;
    this.#keyLengths[at] = key === null ? NULL_LENGTH : key.length;
    this.#valueLengths[at] = value === null ? NULL_LENGTH : value.length;
    this.#ends[at] = this.#raw.length;
    this.liveCount++;
    if (previous === UNKNOWN_RECORD) return;
    this.#previous ??= new Float64Array(this.seqs.length).fill(UNKNOWN_RECORD);
    this.#previous[at] = previous;
  }

  /** The place of the record of a row's key before it, or what stands for that. */
  previousOf(at: number): number {
    return this.#previous === null ? UNKNOWN_RECORD : this.#previous[at]!;
  }

  /** Notes that a partition's position moved to `next` without a record, by a hole or a gap. */
  appendMove(seq: number, partition: number, next: number, isGap: boolean): void {
    this.#place(seq, partition, next - 1, -1, isGap ? GAP : HOLE);
    this.#ends[this.count - 1] = this.#raw.length;
  }

  /** The record at a place; its bytes are views. */
  record(at: number): KafkaRecord {
    const begin = at === 0 ? 0 : this.#ends[at - 1]!;
    const keyLength = this.#keyLengths[at]!;
    const valueLength = this.#valueLengths[at]!;
    const keyEnd = begin + Math.max(0, keyLength);
    const valueEnd = keyEnd + Math.max(0, valueLength);
    return {
      partition: this.partitions[at]!,
      offset: this.offsets[at]!,
      timestamp: this.timestamps[at]!,
      key: keyLength === NULL_LENGTH ? null : this.#raw.view(begin, keyEnd),
      value: valueLength === NULL_LENGTH ? null : this.#raw.view(keyEnd, valueEnd),
      headers: readHeaders(this.#raw.view(valueEnd, this.#ends[at]!)),
    };
  }

  /**
   * Rows in which a filter may find what it wants, ascending; `null` where it has to look at all.
   * @param facts is told how many records were looked at for it
   * @param byKeyAlone whether it looks for what a key has lost by a record, too
   */
  candidates({ equalities }: Filter, facts: Facts, byKeyAlone: boolean = false): number[] | null {
    const other = byKeyAlone ? undefined : equalities[0];
    const equality = equalities.find(({ field }) => field === 'key') ?? other;
    if (equality === undefined || this.count >= MAX_ROWS) return null;
    const { field, values } = equality;
    let places = this.#places.get(field) ?? null;
    if (places !== null && this.count - places.count <= MAX_UNPLACED) facts.spend(1);
    else {
      const [oldest] = this.#places.keys();
      if (places === null && this.#places.size >= MAX_PLACES) this.#places.delete(oldest!);
      places = new FieldPlaces(this, field, facts, places);
      this.#places.set(field, places);
    }
    const rows = places.rowsOf(values);
    for (let at = places.count; at < this.count; at++) rows.push(at);
    return rows;
  }

  kill(at: number): void {
    this.states[at] = DEAD;
    this.liveCount--;
    this.deaths++;
    this.deadBytes += this.#ends[at]! - (at === 0 ? 0 : this.#ends[at - 1]!);
  }

  /** Its partition's position after a place. */
  nextAt(at: number): number {
    return this.#nexts === null ? this.offsets[at]! + 1 : this.#nexts[at]!;
  }

  /**
   * Drops dead records and holes; sequence numbers stay. The encodings must be gone.
   *
   * No id may fall behind those that were sent when the dead were alive: what is dropped counts as
   * passed from the last place of its partition on that stays.
   */
  squeeze(): void {
    this.#places.clear();
    const raw = new ByteWriter(this.#raw.length - this.deadBytes);
    const nexts = this.#ownNexts();
    const last = new Map<number, number>();
    let to = 0;
    for (let at = 0; at < this.count; at++) {
      if (this.states[at] === DEAD || this.states[at] === HOLE) {
        this.#pass(this.partitions[at]!, nexts[at]!, last);
        continue;
      }
      last.set(this.partitions[at]!, to);
      nexts[to] = nexts[at]!;
      raw.bytes(this.#raw.view(at === 0 ? 0 : this.#ends[at - 1]!, this.#ends[at]!));
      this.seqs[to] = this.seqs[at]!;
      this.partitions[to] = this.partitions[at]!;
      this.offsets[to] = this.offsets[at]!;
      this.timestamps[to] = this.timestamps[at]!;
      this.states[to] = this.states[at]!;
      this.#keyLengths[to] = this.#keyLengths[at]!;
      this.#valueLengths[to] = this.#valueLengths[at]!;
      if (this.#previous !== null) this.#previous[to] = this.#previous[at]!;
      this.#ends[to] = raw.length;
      to++;
    }
    this.count = to;
    this.deadBytes = 0;
    this.deaths++;
    this.#raw = raw;
    this.#resize(Math.max(1, to));
  }

  /** Takes over the records of a squeezed segment that follows. The encodings must be gone. */
  absorb(next: Segment): void {
    this.#places.clear();
    const end = this.cursorAt(Number.POSITIVE_INFINITY);
    const last = new Map<number, number>();
    for (let at = 0; at < this.count; at++) last.set(this.partitions[at]!, at);
    this.#ownNexts();
    // What was squeezed out between the two.
    for (const [partition, position] of next.start.entries()) {
      if (position > end[partition]!) this.#pass(partition, position, last);
    }
    for (let at = 0; at < next.count; at++) {
      const seq = next.seqs[at]!;
      if (next.states[at] === LIVE) this.append(seq, next.record(at), next.previousOf(at));
      else this.appendMove(seq, next.partitions[at]!, next.offsets[at]! + 1, true);
      this.#nexts![this.count - 1] = next.nextAt(at);
    }
  }

  /** The first place whose sequence number is `seq` or greater; `count` where there is none. */
  placeOf(seq: number): number {
    let low = 0;
    let high = Math.min(this.count, Math.max(0, seq - this.firstSeq));
    if (high === this.count || this.seqs[high]! !== seq) {
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.seqs[middle]! < seq) low = middle + 1;
        else high = middle;
      }
    }
    return high;
  }

  /** The row of the first live record or gap from a sequence number on; `null` where there is none. */
  firstToTell(seq: number): number | null {
    for (let at = this.placeOf(seq); at < this.count; at++) {
      if (this.states[at] === LIVE || this.states[at] === GAP) return at;
    }
    return null;
  }

  /** The feed's cursor before the record with sequence number `seq`. */
  cursorAt(seq: number): Positions {
    const positions = this.start.slice();
    for (let at = 0; at < this.count && this.seqs[at]! < seq; at++) {
      positions[this.partitions[at]!] = this.nextAt(at);
    }
    return positions;
  }

  /** The blocks in the format of a view, up to the last row. */
  encode({ format }: View): Encoding {
    let encoding = this.encodings.get(format);
    if (encoding === undefined) {
      encoding = new Encoding(this, format);
      this.encodings.set(format, encoding);
    }
    encoding.extend();
    return encoding;
  }

  /** Lets the bytes go; the places stay, so that a client that stood here still has its cursor. */
  leave(): void {
    this.gone = true;
    this.#raw = new ByteWriter(0);
    this.encodings.clear();
    this.#places.clear();
  }

  /** Counts a partition as passed up to `next`, from its last place on. */
  #pass(partition: number, next: number, last: ReadonlyMap<number, number>): void {
    const at = last.get(partition);
    if (at !== undefined) {
      this.#nexts![at] = next;
      return;
    }
    if (this.start === this.origin) this.start = this.origin.slice();
    this.start[partition] = next;
  }

  #ownNexts(): Float64Array {
    this.#nexts ??= Float64Array.from(this.offsets, (offset) => offset + 1);
    return this.#nexts;
  }

  #place(seq: number, partition: number, offset: number, timestamp: number, state: number): void {
    if (this.count === this.seqs.length) this.#resize(this.count * 2);
    const at = this.count++;
    this.seqs[at] = seq;
    this.partitions[at] = partition;
    this.offsets[at] = offset;
    this.timestamps[at] = timestamp;
    this.states[at] = state;
    if (this.#nexts !== null) this.#nexts[at] = offset + 1;
    if (this.#previous !== null) this.#previous[at] = UNKNOWN_RECORD;
    this.#keyLengths[at] = NULL_LENGTH;
    this.#valueLengths[at] = NULL_LENGTH;
  }

  #resize(capacity: number): void {
    this.seqs = resized(this.seqs, capacity);
    this.partitions = resized(this.partitions, capacity);
    this.offsets = resized(this.offsets, capacity);
    this.timestamps = resized(this.timestamps, capacity);
    this.states = resized(this.states, capacity);
    this.#keyLengths = resized(this.#keyLengths, capacity);
    this.#valueLengths = resized(this.#valueLengths, capacity);
    this.#ends = resized(this.#ends, capacity);
    if (this.#nexts !== null) this.#nexts = resized(this.#nexts, capacity);
    if (this.#previous !== null) this.#previous = resized(this.#previous, capacity);
  }
}
