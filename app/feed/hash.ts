/**
 * A seeded 128-bit hash of a partition and a key: MurmurHash3 x86_128 (Austin Appleby, public
 * domain, https://github.com/aappleby/smhasher), its four lanes seeded at random, so that nobody
 * outside can choose keys that meet.
 */
export class Hash128 {
  /** The result of the last `update`. */
  readonly words: Uint32Array = new Uint32Array(4);
  readonly #seed: Uint32Array;

  constructor(seed: Uint32Array = crypto.getRandomValues(new Uint32Array(4))) {
    this.#seed = seed;
  }

  update(partition: number, key: Uint8Array): void {
    let h1 = this.#seed[0]! ^ partition;
    let h2 = this.#seed[1]!;
    let h3 = this.#seed[2]!;
    let h4 = this.#seed[3]!;
    const length = key.length;
    const whole = length & ~15;
    for (let i = 0; i < whole; i += 16) {
      h1 ^= scramble(word(key, i), C1, C2, 15);
      h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
      h2 ^= scramble(word(key, i + 4), C2, C3, 16);
      h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
      h3 ^= scramble(word(key, i + 8), C3, C4, 17);
      h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
      h4 ^= scramble(word(key, i + 12), C4, C1, 18);
      h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
    }
    const tail = length - whole;
    if (tail > 12) h4 ^= scramble(partialWord(key, whole + 12), C4, C1, 18);
    if (tail > 8) h3 ^= scramble(partialWord(key, whole + 8), C3, C4, 17);
    if (tail > 4) h2 ^= scramble(partialWord(key, whole + 4), C2, C3, 16);
    if (tail > 0) h1 ^= scramble(partialWord(key, whole), C1, C2, 15);
    h1 ^= length;
    h2 ^= length;
    h3 ^= length;
    h4 ^= length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    h1 = mix(h1);
    h2 = mix(h2);
    h3 = mix(h3);
    h4 = mix(h4);
    h1 = (h1 + h2 + h3 + h4) | 0;
    this.words[0] = h1;
    this.words[1] = h2 + h1;
    this.words[2] = h3 + h1;
    this.words[3] = h4 + h1;
  }
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function scramble(value: number, first: number, second: number, bits: number): number {
  return Math.imul(rotate(Math.imul(value, first), bits), second);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Up to four bytes; those behind the end count as zero. */
function partialWord(bytes: Uint8Array, at: number): number {
  return (
    bytes[at]! |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
