import { Hash128 } from './hash.ts';

const SHARDS = 64;
const FIRST_CAPACITY = 8;
const MAX_LOAD = 0.85;
const GROWTH = 1.25;
const EMPTY = -1;

/** Where the latest record of a key stands. */
export interface Place {
  readonly offset: number;
  /** Its sequence number in the log. */
  readonly seq: number;
}

/**
 * The latest record of every key of a compacted topic, keys told apart within their partition.
 *
 * Typed arrays and a seeded 128-bit hash in place of the key: a Map ends at 16.7 million entries
 * and costs several times as much, and a shorter hash would one day drop a live record. Many small
 * tables that grow by a quarter, each at its own time, keep it at 38 to 47 bytes a key with no
 * moment at which all is held twice.
 */
export class KeyIndex {
  readonly #hash = new Hash128();
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard(FIRST_CAPACITY));

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  get heldBytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.heldBytes, 0);
  }

  /** Notes a key's latest record. @returns the one it supersedes, `null` for a new key. */
  put(partition: number, key: Uint8Array, offset: number, seq: number): Place | null {
    return this.#shard(partition, key).put(this.#hash.words, offset, seq);
  }

  /** @returns the latest record of a key, `null` where there is none. */
  get(partition: number, key: Uint8Array): Place | null {
    return this.#shard(partition, key).get(this.#hash.words);
  }

  /** Forgets the keys of which the latest record has one of these sequence numbers. */
  forget(seqs: ReadonlySet<number>): void {
    for (const shard of this.#shards) shard.forget(seqs);
  }

  #shard(partition: number, key: Uint8Array): Shard {
    this.#hash.update(partition, key);
    return this.#shards[this.#hash.words[0]! % SHARDS]!;
  }
}

/** Open addressing with linear probing; four hash words an entry, the second one says where. */
class Shard {
  size = 0;
  #capacity: number;
  #hashes: Uint32Array;
  #offsets: Float64Array;
  #seqs: Float64Array;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#hashes = new Uint32Array(capacity * 4);
    this.#offsets = new Float64Array(capacity).fill(EMPTY);
    this.#seqs = new Float64Array(capacity);
  }

  get heldBytes(): number {
    return this.#capacity * 32;
  }

  get(words: Uint32Array): Place | null {
    const at = this.#find(words);
    return this.#offsets[at] === EMPTY
      ? null
      : { offset: this.#offsets[at]!, seq: this.#seqs[at]! };
  }

  put(words: Uint32Array, offset: number, seq: number): Place | null {
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
    this.#offsets[at] = offset;
    this.#seqs[at] = seq;
    return place;
  }

  forget(seqs: ReadonlySet<number>): void {
    for (let at = 0; at < this.#capacity; at++) {
      // Closing the hole moves another entry to this place.
      while (this.#offsets[at] !== EMPTY && seqs.has(this.#seqs[at]!)) this.#deleteAt(at);
    }
  }

  /** Closes the hole that is left, so that no probe ends too early. */
  #deleteAt(place: number): void {
    let hole = place;
    this.size--;
    for (let at = this.#after(hole); this.#offsets[at] !== EMPTY; at = this.#after(at)) {
      const home = this.#home(this.#hashes[at * 4 + 1]!);
      const reachable = hole <= at ? home <= hole || home > at : home <= hole && home > at;
      if (!reachable) continue;
      this.#hashes.copyWithin(hole * 4, at * 4, at * 4 + 4);
      this.#offsets[hole] = this.#offsets[at]!;
      this.#seqs[hole] = this.#seqs[at]!;
      hole = at;
    }
    this.#offsets[hole] = EMPTY;
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
    return Math.floor((word / 2 ** 32) * this.#capacity);
  }

  #after(at: number): number {
    return at + 1 === this.#capacity ? 0 : at + 1;
  }

  #grow(): void {
    const larger = new Shard(Math.ceil(this.#capacity * GROWTH) + 1);
    for (let at = 0; at < this.#capacity; at++) {
      if (this.#offsets[at] === EMPTY) continue;
      let to = larger.#home(this.#hashes[at * 4 + 1]!);
      while (larger.#offsets[to] !== EMPTY) to = larger.#after(to);
      for (let word = 0; word < 4; word++) {
        larger.#hashes[to * 4 + word] = this.#hashes[at * 4 + word]!;
      }
      larger.#offsets[to] = this.#offsets[at]!;
      larger.#seqs[to] = this.#seqs[at]!;
    }
    this.#capacity = larger.#capacity;
    this.#hashes = larger.#hashes;
    this.#offsets = larger.#offsets;
    this.#seqs = larger.#seqs;
  }
}
