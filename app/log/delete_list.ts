/** Entries of a chunk: so many are looked at in one step. */
const CHUNK_ENTRIES = 1024;
const HASH_WORDS = 4;
/** Chunks that are cleaned for each one that is filled: so what is stale does not pile up. */
const CLEANED_AT_ONCE = 2;

/** A delete: where it stands, and the hash of its key. */
interface Entry {
  readonly offset: number;
  readonly words: Uint32Array;
}

/** Deletes one behind the other. */
interface Chunk {
  count: number;
  offsets: Float64Array;
  words: Uint32Array;
}

/**
 * The deletes of one partition in the order of their offsets, 24 bytes each. It may hold some that
 * were superseded since: the index of keys tells which are still the latest of their key.
 */
export class DeleteList {
  readonly #isLatest: (entry: Entry) => boolean;
  readonly #chunks: Chunk[] = [];
  /** The chunk that is cleaned next. */
  #nextCleaned = 0;

  /** @param isLatest whether a delete is still the latest record of its key */
  constructor(isLatest: (entry: Entry) => boolean) {
    this.#isLatest = isLatest;
  }

  get heldBytes(): number {
    return this.#chunks.reduce((sum, { offsets, words }) => {
      return sum + offsets.byteLength + words.byteLength;
    }, 0);
  }

  /** @param words of the hash; they are copied */
  push(offset: number, words: Uint32Array): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.count === CHUNK_ENTRIES) {
      this.#clean();
      chunk = { count: 0, offsets: new Float64Array(16), words: new Uint32Array(16 * HASH_WORDS) };
      this.#chunks.push(chunk);
    }
    if (chunk.count === chunk.offsets.length) resize(chunk, chunk.count * 2);
    chunk.offsets[chunk.count] = offset;
    chunk.words.set(words, chunk.count * HASH_WORDS);
    chunk.count++;
  }

  /** Those from an offset on, up to another: some of them, the lowest. Good until the next `push`. */
  some(from: number, to: number): Entry[] {
    const entries: Entry[] = [];
    const { offsets, words, count } = this.#chunks[this.#chunkOf(from)] ?? NO_CHUNK;
    for (let at = 0; at < count && offsets[at]! < to; at++) {
      if (offsets[at]! < from) continue;
      const hash = words.subarray(at * HASH_WORDS, (at + 1) * HASH_WORDS);
      entries.push({ offset: offsets[at]!, words: hash });
    }
    return entries;
  }

  /** The first chunk that ends at an offset or past it. */
  #chunkOf(offset: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { offsets, count } = this.#chunks[middle]!;
      if (offsets[count - 1]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Lets go of what was superseded, in the chunks that were looked at longest ago. */
  #clean(): void {
    for (let left = Math.min(CLEANED_AT_ONCE, this.#chunks.length); left > 0; left--) {
      if (this.#nextCleaned >= this.#chunks.length) this.#nextCleaned = 0;
      const chunk = this.#chunks[this.#nextCleaned]!;
      let to = 0;
      for (let at = 0; at < chunk.count; at++) {
        const words = chunk.words.subarray(at * HASH_WORDS, (at + 1) * HASH_WORDS);
        if (!this.#isLatest({ offset: chunk.offsets[at]!, words })) continue;
        chunk.offsets[to] = chunk.offsets[at]!;
        chunk.words.copyWithin(to * HASH_WORDS, at * HASH_WORDS, (at + 1) * HASH_WORDS);
        to++;
      }
      chunk.count = to;
      if (to === 0) this.#chunks.splice(this.#nextCleaned, 1);
      else {
        resize(chunk, to);
        this.#nextCleaned++;
      }
    }
  }
}

const NO_CHUNK: Chunk = { count: 0, offsets: new Float64Array(0), words: new Uint32Array(0) };

function resize(chunk: Chunk, capacity: number): void {
  const { offsets, words } = chunk;
  chunk.offsets = new Float64Array(capacity);
  chunk.words = new Uint32Array(capacity * HASH_WORDS);
  chunk.offsets.set(offsets.subarray(0, capacity));
  chunk.words.set(words.subarray(0, capacity * HASH_WORDS));
}
