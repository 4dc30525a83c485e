import { DeleteList } from './delete_list.ts';
import { Hash128 } from './hash.ts';

const FIRST_CAPACITY = 8;
const MAX_LOAD = 0.85;
const GROWTH = 1.25;
/** A table of more keys is split in two: to move them all takes about a millisecond. */
const MAX_TABLE_KEYS = 16_384;
/** So many halvings are enough for a billion keys. */
const MAX_DEPTH = 16;
const EMPTY = -1;

/** What a key's latest record is: one with a value, a delete, or a delete last seen in Kafka by that sweep. */
const VALUE = 0;
const UNSEEN_DELETE = 1;
const FIRST_SWEEP = 2;
const LAST_SWEEP = 255;

/** What stands for no mark of a key. */
export const NO_MARK = 0;

interface Column {
  readonly isWide: boolean;
}

type Marks = Float64Array | Uint8Array;

/** Where the latest record of a key stands. */
export interface Place {
  readonly offset: number;
  /** Its sequence number in the log. */
  readonly seq: number;
}

/** A delete that Kafka has dropped, and the index has forgotten with its key. */
export interface ForgottenDelete extends Place {
  readonly partition: number;
}

/**
 * The latest record of every key of a compacted topic, keys told apart within their partition.
 *
 * Typed arrays and a seeded 128-bit hash in place of the key: a Map ends at 16.7 million entries
 * and costs several times as much, and a shorter hash would one day drop a live record. Small
 * tables that grow by a quarter, and are split in two before one is large, keep it at 39 to 49
 * bytes a key, and no step is longer for all keys being many.
 *
 * It knows which of the latest records are deletes, and where they stand, so that those that Kafka
 * has dropped can be told and forgotten, see `Tombstones`. That takes another 24 bytes a delete.
 *
 * Others keep marks beside the keys, see `Guards`: a column each, which grows and is split with the table.
 */
export class KeyIndex {
  readonly #hash = new Hash128();
  readonly #tables: Table[] = [new Table(0, FIRST_CAPACITY)];
  /** By the low bits of the first hash word; as many as the table that was split most often needs. */
  #directory: Table[] = [...this.#tables];
  #sweep = LAST_SWEEP;
  /** By partition. */
  readonly #deletes = new Map<number, DeleteList>();
  readonly #columns: (Column | null)[] = [];

  get size(): number {
    return this.#tables.reduce((sum, table) => sum + table.size, 0);
  }

  /** Keys of which the latest record is a delete. */
  get deletes(): number {
    return this.#tables.reduce((sum, table) => sum + table.deletes, 0);
  }

  get heldBytes(): number {
    const lists = [...this.#deletes.values()];
    return [...this.#tables, ...lists].reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  /** Notes a key's latest record. @returns the one it supersedes, `null` for a new key. */
  put(
    partition: number,
    key: Uint8Array,
    offset: number,
    seq: number,
    isDelete: boolean = false,
  ): Place | null {
    const table = this.#table(partition, key);
    const { words } = this.#hash;
    const previous = table.put(words, offset, seq, isDelete ? UNSEEN_DELETE : VALUE);
    if (isDelete) this.#deletesOf(partition).push(offset, words);
    if (table.size > MAX_TABLE_KEYS && table.depth < MAX_DEPTH) this.#split(table);
    return previous;
  }

  /**
   * Begins to keep a mark of each key, `NO_MARK` until one is set. It goes with the key.
   * @param isWide whether it is a whole number up to 2^53, 8 bytes, or one up to 255, one byte
   * @returns the column
   */
  addMarks(isWide: boolean): number {
    const free = this.#columns.indexOf(null);
    const column = free < 0 ? this.#columns.length : free;
    this.#columns[column] = { isWide };
    for (const table of this.#tables) table.setColumns(this.#columns);
    return column;
  }

  removeMarks(column: number): void {
    this.#columns[column] = null;
    for (const table of this.#tables) table.setColumns(this.#columns);
  }

  /** Also of a key that is not there. */
  mark(column: number, partition: number, key: Uint8Array): number {
    return this.#table(partition, key).mark(this.#hash.words, column);
  }

  /** Of a key that is there. */
  setMark(column: number, partition: number, key: Uint8Array, mark: number): void {
    this.#table(partition, key).setMark(this.#hash.words, column, mark);
  }

  /** @returns the latest record of a key, `null` where there is none. */
  get(partition: number, key: Uint8Array): Place | null {
    return this.#table(partition, key).get(this.#hash.words);
  }

  /** Begins anew to tell which deletes there still are: to `forgetUnseen` none was seen yet. */
  beginSweep(): void {
    this.#sweep = this.#sweep === LAST_SWEEP ? FIRST_SWEEP : this.#sweep + 1;
  }

  /** Notes a delete that was found in Kafka. @returns whether it is the latest record of its key */
  see(partition: number, key: Uint8Array, offset: number): boolean {
    return this.#table(partition, key).see(this.#hash.words, offset, this.#sweep);
  }

  /**
   * Forgets the keys of which the latest record is a delete that was not seen since `beginSweep`,
   * and has a sequence number below `seq`.
   *
   * @returns some of them at each step, between which the index may change
   */
  *forgetUnseen(seq: number): Generator<readonly ForgottenDelete[]> {
    for (const partition of [...this.#deletes.keys()]) {
      for (let from = 0; ; ) {
        const some = this.#deletesOf(partition).some(from, Number.POSITIVE_INFINITY);
        const forgotten = some.flatMap(({ offset, words }) => {
          const unseen = this.#tableOf(words).forgetUnseen(words, offset, seq, this.#sweep);
          return unseen === null ? [] : [{ partition, offset, seq: unseen }];
        });
        yield forgotten;
        if (some.length === 0) break;
        from = some.at(-1)!.offset + 1;
      }
    }
  }

  /**
   * Forgets the deletes that it knows in a range of a partition, but for those that were found there.
   * @param isThere whether one was found
   */
  forgetAbsent(
    partition: number,
    from: number,
    next: number,
    isThere: (offset: number) => boolean,
  ): ForgottenDelete[] {
    const forgotten: ForgottenDelete[] = [];
    const list = this.#deletes.get(partition);
    for (let some = list?.some(from, next) ?? []; some.length > 0; ) {
      for (const { offset, words } of some) {
        if (isThere(offset)) continue;
        const seq = this.#tableOf(words).forget(words, offset);
        if (seq !== null) forgotten.push({ partition, offset, seq });
      }
      some = list!.some(some.at(-1)!.offset + 1, next);
    }
    return forgotten;
  }

  #table(partition: number, key: Uint8Array): Table {
    this.#hash.update(partition, key);
    return this.#tableOf(this.#hash.words);
  }

  #tableOf(words: Uint32Array): Table {
    return this.#directory[words[0]! & (this.#directory.length - 1)]!;
  }

  #deletesOf(partition: number): DeleteList {
    let list = this.#deletes.get(partition);
    if (list === undefined) {
      list = new DeleteList(({ offset, words }) => this.#tableOf(words).hasDelete(words, offset));
      this.#deletes.set(partition, list);
    }
    return list;
  }

  /** Gives one half of a table's keys to a new one, by the next bit of the first hash word. */
  #split(table: Table): void {
    const bit = 2 ** table.depth;
    if (bit === this.#directory.length) this.#directory = [...this.#directory, ...this.#directory];
    const other = table.split(bit);
    this.#tables.push(other);
    for (let at = 0; at < this.#directory.length; at++) {
      if (this.#directory[at] === table && (at & bit) !== 0) this.#directory[at] = other;
    }
  }
}

/** Open addressing with linear probing; four hash words an entry, the second one says where. */
class Table {
  size = 0;
  deletes = 0;
  /** How often it was split. */
  depth: number;
  #capacity!: number;
  #hashes!: Uint32Array;
  #offsets!: Float64Array;
  #seqs!: Float64Array;
  #kinds!: Uint8Array;
  #marks: readonly (Marks | null)[] = [];

  constructor(depth: number, capacity: number) {
    this.depth = depth;
    this.#allocate(capacity);
  }

  get heldBytes(): number {
    const marks = this.#marks.reduce((sum, column) => sum + (column?.byteLength ?? 0), 0);
    return this.#capacity * 33 + marks;
  }

  /** Those that it has not got yet are empty. */
  setColumns(columns: readonly (Column | null)[]): void {
    this.#marks = columns.map((column, n) => {
      if (column === null) return null;
      return this.#marks[n] ?? emptyMarks(column.isWide, this.#capacity);
    });
  }

  mark(words: Uint32Array, column: number): number {
    const at = this.#find(words);
    return this.#offsets[at] === EMPTY ? NO_MARK : this.#marks[column]![at]!;
  }

  setMark(words: Uint32Array, column: number, mark: number): void {
    const at = this.#find(words);
    if (this.#offsets[at] !== EMPTY) this.#marks[column]![at] = mark;
  }

  get(words: Uint32Array): Place | null {
    const at = this.#find(words);
    return this.#offsets[at] === EMPTY
      ? null
      : { offset: this.#offsets[at]!, seq: this.#seqs[at]! };
  }

  put(words: Uint32Array, offset: number, seq: number, kind: number): Place | null {
    let at = this.#find(words);
    const previous = this.#offsets[at]!;
    if (previous === EMPTY) {
      if (this.size + 1 > this.#capacity * MAX_LOAD) {
        this.#grow();
        at = this.#find(words);
      }
      this.#hashes.set(words, at * 4);
      this.size++;
    }
    const place = previous === EMPTY ? null : { offset: previous, seq: this.#seqs[at]! };
    if (this.#kinds[at] !== VALUE) this.deletes--;
    if (kind !== VALUE) this.deletes++;
    this.#offsets[at] = offset;
    this.#seqs[at] = seq;
    this.#kinds[at] = kind;
    return place;
  }

  see(words: Uint32Array, offset: number, sweep: number): boolean {
    const at = this.#find(words);
    if (this.#offsets[at] !== offset || this.#kinds[at] === VALUE) return false;
    this.#kinds[at] = sweep;
    return true;
  }

  hasDelete(words: Uint32Array, offset: number): boolean {
    const at = this.#find(words);
    return this.#offsets[at] === offset && this.#kinds[at] !== VALUE;
  }

  /** @returns the sequence number that it had; `null` where it stays */
  forgetUnseen(words: Uint32Array, offset: number, seq: number, sweep: number): number | null {
    const at = this.#find(words);
    const stays = this.#kinds[at] === sweep || this.#seqs[at]! >= seq;
    return stays ? null : this.forget(words, offset);
  }

  /** @returns the sequence number that it had; `null` where it is not the latest of its key */
  forget(words: Uint32Array, offset: number): number | null {
    if (!this.hasDelete(words, offset)) return null;
    const at = this.#find(words);
    const seq = this.#seqs[at]!;
    this.#deleteAt(at);
    return seq;
  }

  /** Keeps the keys whose first hash word lacks a bit. @returns the table of the others */
  split(bit: number): Table {
    this.depth++;
    const [hashes, offsets, seqs, kinds] = [this.#hashes, this.#offsets, this.#seqs, this.#kinds];
    const marks = this.#marks;
    const capacity = this.#capacity;
    const half = Math.ceil((this.size / 2 / MAX_LOAD) * 1.05) + 1;
    const other = new Table(this.depth, half);
    this.#allocate(half);
    other.#marks = emptyLike(this.#marks, half);
    for (let at = 0; at < capacity; at++) {
      if (offsets[at] === EMPTY) continue;
      const words = hashes.subarray(at * 4, at * 4 + 4);
      const table = (words[0]! & bit) === 0 ? this : other;
      table.put(words, offsets[at]!, seqs[at]!, kinds[at]!);
      table.#takeMarks(table.#find(words), marks, at);
    }
    return other;
  }

  #allocate(capacity: number): void {
    this.size = 0;
    this.deletes = 0;
    this.#capacity = capacity;
    this.#hashes = new Uint32Array(capacity * 4);
    this.#offsets = new Float64Array(capacity).fill(EMPTY);
    this.#seqs = new Float64Array(capacity);
    this.#kinds = new Uint8Array(capacity);
    this.#marks = emptyLike(this.#marks, capacity);
  }

  #takeMarks(to: number, marks: readonly (Marks | null)[], from: number): void {
    for (const [column, of] of marks.entries()) {
      if (of !== null) this.#marks[column]![to] = of[from]!;
    }
  }

  /** Closes the hole that is left, so that no probe ends too early. */
  #deleteAt(place: number): void {
    let hole = place;
    this.size--;
    if (this.#kinds[place] !== VALUE) this.deletes--;
    for (let at = this.#after(hole); this.#offsets[at] !== EMPTY; at = this.#after(at)) {
      const home = this.#home(this.#hashes[at * 4 + 1]!);
      const reachable = hole <= at ? home <= hole || home > at : home <= hole && home > at;
      if (!reachable) continue;
      this.#hashes.copyWithin(hole * 4, at * 4, at * 4 + 4);
      this.#offsets[hole] = this.#offsets[at]!;
      this.#seqs[hole] = this.#seqs[at]!;
      this.#kinds[hole] = this.#kinds[at]!;
      this.#takeMarks(hole, this.#marks, at);
      hole = at;
    }
    this.#offsets[hole] = EMPTY;
    this.#kinds[hole] = VALUE;
    for (const marks of this.#marks) if (marks !== null) marks[hole] = NO_MARK;
  }

  /** The entry of a hash, or the empty one where it would go. */
  #find(words: Uint32Array): number {
    const hashes = this.#hashes;
    for (let at = this.#home(words[1]!); ; at = this.#after(at)) {
      if (this.#offsets[at] === EMPTY) return at;
      const base = at * 4;
      if (
        hashes[base] === words[0] &&
        hashes[base + 1] === words[1] &&
        hashes[base + 2] === words[2] &&
        hashes[base + 3] === words[3]
      ) {
        return at;
      }
    }
  }

  #home(word: number): number {
    return ((word / 2 ** 32) * this.#capacity) | 0;
  }

  #after(at: number): number {
    return at + 1 === this.#capacity ? 0 : at + 1;
  }

  #grow(): void {
    const [hashes, offsets, seqs, kinds] = [this.#hashes, this.#offsets, this.#seqs, this.#kinds];
    const marks = this.#marks;
    const { size, deletes } = this;
    this.#allocate(Math.ceil(this.#capacity * GROWTH) + 1);
    for (let at = 0; at < offsets.length; at++) {
      if (offsets[at] === EMPTY) continue;
      let to = this.#home(hashes[at * 4 + 1]!);
      while (this.#offsets[to] !== EMPTY) to = this.#after(to);
      for (let word = 0; word < 4; word++) this.#hashes[to * 4 + word] = hashes[at * 4 + word]!;
      this.#offsets[to] = offsets[at]!;
      this.#seqs[to] = seqs[at]!;
      this.#kinds[to] = kinds[at]!;
      this.#takeMarks(to, marks, at);
    }
    this.size = size;
    this.deletes = deletes;
  }
}

function emptyMarks(isWide: boolean, capacity: number): Marks {
  return isWide ? new Float64Array(capacity) : new Uint8Array(capacity);
}

function emptyLike(columns: readonly (Marks | null)[], capacity: number): (Marks | null)[] {
  return columns.map((marks) =>
    marks === null ? null : emptyMarks(marks instanceof Float64Array, capacity),
  );
}
