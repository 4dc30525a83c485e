import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import type { Filter } from '../views/filter.ts';
import { bytesOf, RecordFacts } from '../views/record_facts.ts';
import { Hash128 } from './hash.ts';
import { type KeyIndex, NO_MARK } from './key_index.ts';

/** Changes that are kept of a topic, for all shapes together: about 100 bytes each. */
const MAX_CHANGES = 2 ** 17;
/** Clocks of gateways differ, one reads later than the other, and ids count seconds. */
export const MARGIN_MS: number = 10_000;
/** How long a guard that is not of the streams file itself is known once nobody has it. */
export const KEPT_MS: number = 60_000;
/** Of what has given way it is known so finely for whom. */
const BUCKETS = 256;

/** A key's mark in a shape: that its newest record is refused whatever the constants are, */
const REFUSED = 1;
/** or which constants let it through: from here on. What is `NO_MARK` has to be worked out of that record. */
const FIRST_CONSTANT = 2;

/** Guards that differ in nothing but the constants of their equalities. */
interface Shape {
  readonly example: Filter;
  /** Of the key index: where its marks stand. */
  readonly column: number;
  /** Whether the streams file has it: then it is known whether somebody has it or not. */
  isKept: boolean;
  /** Whether keys whose newest record had left memory before it was known may have no mark. */
  lacksMarks: boolean;
  /** It is known what came in and went out since, Unix milliseconds. */
  knownSince: number;
  /** The end of the log when a key went out last of which it is not known who had it, unless they got it here. */
  unknownSeq: number;
  /** By bucket of constants the newest change that has given way: when it was, Unix milliseconds, and its place. */
  readonly droppedAt: Float64Array;
  readonly droppedSeqs: Float64Array;
  users: number;
  /** When the last of them has gone. */
  unusedSince: number;
  /** By the hash of a key and of constants the number of the change by which it went out last. */
  readonly latest: Map<number, number>;
}

/** A guard for as long as somebody has it. */
export interface GuardUse {
  readonly guard: Filter;
  readonly shape: Shape;
  /** Those that let a record through. */
  readonly constants: readonly number[];
  users: number;
}

/** From which constants to which a key has moved, of one shape; `null`: not known. */
export interface Move {
  readonly shape: object;
  readonly from: number | null;
  readonly to: number;
}

const NO_MOVES: readonly Move[] = [];

/**
 * Which keys came into and went out of what guards let through: the parts of filters that say which
 * keys may be seen at all. Of a key that a guard refuses one may be told who was let through to an earlier
 * record of it, and nobody else.
 *
 * Nothing is kept for a client. Of each key and shape it is known by which constants its newest record is let
 * through, worked out of the record while that is in memory, and then a mark beside the key; and of what
 * went out the newest changes, in a list.
 */
export class Guards {
  readonly #keys: KeyIndex;
  readonly #values: ValueReader | null;
  readonly #maxChanges: number;
  readonly #hash = new Hash128();
  readonly #shapes = new Map<string, Shape>();
  readonly #uses = new Map<string, GuardUse>();
  #isLoaded = false;
  /** Whether newest records of keys have left memory. */
  hasEvicted = false;
  /** The changes, by number; the oldest give way. */
  readonly #hashes: number[] = [];
  readonly #buckets: number[] = [];
  readonly #times: number[] = [];
  readonly #seqs: number[] = [];
  readonly #ofShape: Shape[] = [];
  #count = 0;

  /**
   * @param values reads the values of the records; `null` where they are looked into as they are
   * @param maxChanges so many are kept
   */
  constructor(keys: KeyIndex, values: ValueReader | null, maxChanges: number = MAX_CHANGES) {
    this.#keys = keys;
    this.#values = values;
    this.#maxChanges = maxChanges;
  }

  get isEmpty(): boolean {
    return this.#shapes.size === 0;
  }

  /** From now on it is known what comes into and goes out of guards of the same shapes as these, and no others. */
  keep(examples: readonly Filter[]): void {
    const wanted = new Map(examples.map((example) => [example.shape, example]));
    for (const [name, shape] of this.#shapes) {
      if (shape.isKept && !wanted.has(name) && shape.users === 0) shape.unusedSince = Date.now();
      shape.isKept = wanted.has(name);
    }
    for (const [name, example] of wanted) {
      if (!this.#shapes.has(name)) this.#add(example, true);
    }
    this.#forgetUnused();
  }

  /** All that was there has been read. */
  isLoaded(): void {
    this.#isLoaded = true;
    for (const shape of this.#shapes.values()) shape.knownSince = Date.now();
  }

  /** From now on it is known what comes into and goes out of it. Each who uses it has to let it go. */
  use(guard: Filter): GuardUse {
    this.#forgetUnused();
    let use = this.#uses.get(guard.name);
    if (use === undefined) {
      const shape = this.#shapes.get(guard.shape) ?? this.#add(guard, false);
      const constants = guard.places.map((place) => this.#constantOf(guard, place));
      use = { guard, shape, constants, users: 0 };
      this.#uses.set(guard.name, use);
      shape.users++;
    }
    use.users++;
    return use;
  }

  letGo(use: GuardUse): void {
    if (--use.users > 0) return;
    this.#uses.delete(use.guard.name);
    if (--use.shape.users === 0) use.shape.unusedSince = Date.now();
  }

  /** Whether it is known what went out of a guard since a client had all, by the time of its id. */
  knowsSince(guard: Filter, seconds: number): boolean {
    const shape = this.#shapes.get(guard.shape);
    if (shape === undefined) return false;
    let since = shape.knownSince;
    for (const place of guard.places) {
      const bucket = this.#constantOf(guard, place) % BUCKETS;
      since = Math.max(since, shape.droppedAt[bucket]!);
    }
    return seconds * 1000 >= since + MARGIN_MS;
  }

  /**
   * Whether it is not known any more what went out since a connected client had all.
   * @param seq the end of the log then
   * @param isFromElsewhere whether it may have records that it got of other gateways
   */
  lacks({ shape, constants }: GuardUse, seq: number, isFromElsewhere: boolean): boolean {
    if (isFromElsewhere && shape.unknownSeq > seq) return true;
    return constants.some((one) => shape.droppedSeqs[one % BUCKETS]! >= seq);
  }

  #add(example: Filter, isKept: boolean): Shape {
    const lacksMarks = this.#isLoaded && this.hasEvicted;
    const isKnown = this.#isLoaded && !(isKept && lacksMarks);
    const shape = {
      example,
      column: this.#keys.addMarks(example.equalities.length > 0),
      isKept,
      lacksMarks,
      knownSince: isKnown ? Date.now() : Number.POSITIVE_INFINITY,
      unknownSeq: 0,
      droppedAt: new Float64Array(BUCKETS),
      droppedSeqs: new Float64Array(BUCKETS).fill(-1),
      users: 0,
      unusedSince: Date.now(),
      latest: new Map(),
    };
    this.#shapes.set(example.shape, shape);
    return shape;
  }

  #forgetUnused(): void {
    const before = Date.now() - KEPT_MS;
    for (const [name, { column, isKept, users, unusedSince }] of this.#shapes) {
      if (isKept || users > 0 || unusedSince > before) continue;
      this.#shapes.delete(name);
      this.#keys.removeMarks(column);
    }
  }

  /**
   * A record has superseded another one of its key.
   * @param seq its place
   * @param superseded `null` where that is not in memory
   */
  supersede(seq: number, facts: RecordFacts, superseded: RecordFacts | null): readonly Move[] {
    if (this.isEmpty) return NO_MOVES;
    const { record } = facts;
    const { partition } = record;
    const key = record.key!;
    if (!this.#isLoaded) {
      for (const { column } of this.#shapes.values())
        this.#keys.setMark(column, partition, key, NO_MARK);
      return NO_MOVES;
    }
    const moves: Move[] = [];
    for (const shape of this.#shapes.values()) {
      const known = this.#keys.mark(shape.column, partition, key);
      const isAtHand = known === NO_MARK && superseded !== null;
      const from = isAtHand ? this.#markOf(shape, superseded) : known;
      const to = this.#markOf(shape, facts) ?? from ?? REFUSED;
      this.#keys.setMark(shape.column, partition, key, to);
      if (from === NO_MARK) this.#noteUnknown(shape, seq);
      else if (from !== null && from !== to && from !== REFUSED)
        this.#note(shape, record, seq, from);
      moves.push({ shape, from: from === NO_MARK ? null : from, to });
    }
    return moves;
  }

  /** The newest record of a key leaves memory. */
  evict(record: KafkaRecord): void {
    for (const shape of this.#shapes.values()) this.#mark(shape, record);
  }

  /** Whether marks may be missing of what the streams file has. */
  get lacksMarks(): boolean {
    for (const { isKept, lacksMarks } of this.#shapes.values())
      if (isKept && lacksMarks) return true;
    return false;
  }

  /** A record was read back that may be the newest of its key. */
  learn(record: KafkaRecord, isOf?: GuardUse): void {
    const { partition, offset, key } = record;
    if (key === null || this.#keys.get(partition, key)?.offset !== offset) return;
    for (const shape of this.#shapes.values()) {
      if (shape.lacksMarks && (isOf?.shape ?? shape) === shape) this.#mark(shape, record);
    }
  }

  /** Begins to learn of all that is not in memory. @returns to be called once all of that was read back */
  learns(): () => void {
    const learning = [...this.#shapes.values()].filter(({ lacksMarks }) => lacksMarks);
    return () => {
      for (const shape of learning) {
        shape.lacksMarks = false;
        if (shape.knownSince === Number.POSITIVE_INFINITY) shape.knownSince = Date.now();
      }
    };
  }

  /**
   * Whether a guard let through a record of that key, and the key went out of it since a place, as far as
   * that is known.
   */
  took({ shape, constants }: GuardUse, { partition, key }: KafkaRecord, sinceSeq: number): boolean {
    if (key === null || shape.latest.size === 0) return false;
    const hash = this.#hashOf(partition, key);
    return constants.some((one) => {
      const number = shape.latest.get(mixed(hash, one));
      return number !== undefined && this.#seqs[number % this.#maxChanges]! >= sinceSeq;
    });
  }

  /**
   * Whether a guard lets through the newest record of a key that was read.
   * @param newest `null` where it is not in memory
   */
  letsThrough(
    { shape, constants }: GuardUse,
    { partition, key }: KafkaRecord,
    newest: KafkaRecord | null,
  ): boolean {
    const known = this.#keys.mark(shape.column, partition, key!);
    const isAtHand = known === NO_MARK && newest !== null;
    const mark = isAtHand ? this.#markOf(shape, new RecordFacts(newest, this.#values)) : known;
    return mark !== null && constants.includes(mark);
  }

  #mark(shape: Shape, record: KafkaRecord): void {
    const { partition, key } = record;
    if (key === null || this.#keys.mark(shape.column, partition, key) !== NO_MARK) return;
    const mark = this.#markOf(shape, new RecordFacts(record, this.#values)) ?? REFUSED;
    this.#keys.setMark(shape.column, partition, key, mark);
  }

  /** Who was connected when it came, or comes with an id of before, may have a key of which it is not told. */
  #noteUnknown(shape: Shape, seq: number): void {
    shape.unknownSeq = seq + 1;
    shape.knownSince = Math.max(shape.knownSince, Date.now());
  }

  #note(shape: Shape, { partition, key }: KafkaRecord, seq: number, from: number): void {
    const number = this.#count++;
    const at = number % this.#maxChanges;
    if (number >= this.#maxChanges) this.#drop(number - this.#maxChanges);
    const hash = mixed(this.#hashOf(partition, key!), from);
    this.#hashes[at] = hash;
    this.#buckets[at] = from % BUCKETS;
    this.#times[at] = Date.now();
    this.#seqs[at] = seq;
    this.#ofShape[at] = shape;
    shape.latest.set(hash, number);
  }

  #drop(number: number): void {
    const at = number % this.#maxChanges;
    const { latest, droppedAt, droppedSeqs } = this.#ofShape[at]!;
    const hash = this.#hashes[at]!;
    if (latest.get(hash) === number) latest.delete(hash);
    droppedAt[this.#buckets[at]!] = this.#times[at]!;
    droppedSeqs[this.#buckets[at]!] = this.#seqs[at]!;
  }

  /** `null` where it cannot be told for want of a schema. */
  #markOf({ example }: Shape, facts: RecordFacts): number | null {
    const place = example.placeOf(facts);
    const outcome = place === null ? 'skip' : example.restOutcome(facts);
    if (place !== null && outcome === 'match') return this.#constantOf(example, place);
    const isUnread = outcome === 'unread' || (place === null && facts.isUnread);
    return isUnread && example.looksAtValue ? null : REFUSED;
  }

  #constantOf({ equalities }: Filter, place: string): number {
    if (equalities.length === 0) return FIRST_CONSTANT;
    return FIRST_CONSTANT + this.#hashOf(-1, bytesOf(place));
  }

  /** 52 bits of a hash whose seed nobody knows: by chance two of a million meet once in ten thousand topics. */
  #hashOf(partition: number, key: Uint8Array): number {
    this.#hash.update(partition, key);
    const [low, high] = this.#hash.words;
    return (high! & 0xfffff) * 2 ** 32 + low!;
  }
}

/** One number of two, each of 53 bits at most. */
function mixed(a: number, b: number): number {
  const high = Math.floor(a / 2 ** 32) ^ Math.floor(b / 2 ** 32);
  return high * 2 ** 32 + ((a ^ b) >>> 0);
}
