import { Malformed, TooLarge } from './malformed.ts';

const floats = new Float32Array(1);
const floatBytes = new Uint8Array(floats.buffer);
const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);

/** Avro's binary form, read from front to back. Whatever does not fit is thrown as `Malformed`. */
export class AvroInput {
  /** How many types stand around what is read next. */
  depth = 0;
  readonly all: Uint8Array;
  readonly #maxJson: number;
  /** Where the next byte is. */
  at = 0;

  /** @param maxJson bytes that may be written of it */
  constructor(bytes: Uint8Array, maxJson: number) {
    this.all = bytes;
    this.#maxJson = maxJson;
  }

  /** Bytes that are not read yet. */
  get left(): number {
    return this.all.length - this.at;
  }

  checkRoom(written: number): void {
    if (written > this.#maxJson) throw new TooLarge(this.#maxJson);
  }

  boolean(): boolean {
    const byte = this.#byte();
    if (byte > 1) throw new Malformed('a boolean that is neither 0 nor 1');
    return byte === 1;
  }

  /** At most 32 bits. */
  int(): number {
    const value = this.long();
    if (typeof value === 'bigint' || value !== (value | 0)) {
      throw new Malformed('an int of more than 32 bits');
    }
    return value;
  }

  /** A number where it is one exactly. */
  long(): number | bigint {
    // 28 bits at a time: bit operations end at 32.
    let low = 0;
    let middle = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      middle |= (byte & 0x7f) << shift;
      if (byte < 0x80) return unzigzag(low, middle, 0);
    }
    const first = this.#byte();
    if (first < 0x80) return unzigzag(low, middle, first);
    const last = this.#byte();
    if (last > 1) throw new Malformed('a number of more than 64 bits');
    return unzigzag(low, middle, (first & 0x7f) | (last << 7));
  }

  float(): number {
    floatBytes.set(this.take(4));
    return floats[0]!;
  }

  double(): number {
    doubleBytes.set(this.take(8));
    return doubles[0]!;
  }

  /** With their length before them; a view. */
  bytes(): Uint8Array {
    const begin = this.skipBytes();
    return this.all.subarray(begin, this.at);
  }

  /** @returns where they begin; they end where it stands then */
  skipBytes(): number {
    const length = this.long();
    if (typeof length === 'bigint' || length < 0) throw new Malformed('a length that is none');
    const begin = this.at;
    if (length > this.left) throw new Malformed('it ends too early');
    this.at += length;
    return begin;
  }

  /** How many items of a list or a map follow; 0 at its end. */
  blockCount(): number {
    const count = this.long();
    if (typeof count === 'bigint') throw new Malformed('a count that is none');
    if (count >= 0) return count;
    // How many bytes they take, for who wants to skip them.
    this.long();
    return -count;
  }

  /** A view. */
  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.all.length) throw new Malformed('it ends too early');
    const taken = this.all.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  #byte(): number {
    const byte = this.all[this.at++];
    if (byte === undefined) throw new Malformed('it ends too early');
    return byte;
  }
}

/** Of 28, 28 and 8 bits. */
function unzigzag(low: number, middle: number, high: number): number | bigint {
  if (high === 0 && middle < 2 ** 25) {
    const half = middle * 2 ** 27 + (low >>> 1);
    return (low & 1) === 0 ? half : -half - 1;
  }
  const all = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low);
  return (all & 1n) === 0n ? all >> 1n : -(all >> 1n) - 1n;
}
