/**
 * A gzip member (RFC 1952) put together from blocks that were compressed elsewhere, pure: its head and
 * trailer, blocks that are not compressed, and the checksum of a whole from those of its pieces.
 *
 * @module
 */

/** No name, no time, an unknown system. */
export const GZIP_HEAD: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** What a block that is stored can hold. */
const MAX_STORED = 0xffff;
const STORED_HEAD = 5;

/** Bytes as they are, in blocks of deflate: some are too few to be worth compressing. */
export function stored(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(bytes.length / MAX_STORED);
  const out = new Uint8Array(bytes.length + blocks * STORED_HEAD);
  const view = new DataView(out.buffer);
  let at = 0;
  for (let from = 0; from < bytes.length; from += MAX_STORED) {
    const piece = bytes.subarray(from, from + MAX_STORED);
    view.setUint16(at + 1, piece.length, true);
    view.setUint16(at + 3, ~piece.length, true);
    out.set(piece, at + STORED_HEAD);
    at += STORED_HEAD + piece.length;
  }
  return out;
}

/**
 * Ends a member: an empty last block, checksum and length.
 * @param length of what was compressed; what is above 32 bits does not count
 */
export function gzipEnd(crc: number, length: number): Uint8Array<ArrayBuffer> {
  const out = Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const view = new DataView(out.buffer);
  view.setUint32(2, crc, true);
  view.setUint32(6, length % 2 ** 32, true);
  return out;
}

/*
 * A CRC-32 is the remainder of a polynomial over GF(2), the highest power in the lowest bit. What comes
 * behind some bytes multiplies theirs by x^8 for each of its own, so that two checksums make one
 * without a look at the bytes.
 */

const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000 | 0;
const X = 0x40000000;

/** x to the power of 2^index; after 32 of them they begin anew. */
const POWERS = new Int32Array(32);
for (let index = 0, power = X; index < POWERS.length; index++, power = product(power, power)) {
  POWERS[index] = power;
}

/** What a checksum is multiplied by once so many bytes have come behind its own. */
export function crcShift(length: number): number {
  let shift = ONE;
  let index = 3;
  for (let rest = length; rest > 0; rest = Math.floor(rest / 2), index++) {
    if (rest % 2 === 1) shift = product(POWERS[index % 32]!, shift);
  }
  return shift;
}

/**
 * The checksum of two pieces, the one behind the other.
 * @param shift of the length of the second one
 */
export function combinedCrc(first: number, second: number, shift: number): number {
  return (product(shift, first) ^ second) >>> 0;
}

/** The product of two polynomials, less multiples of that of CRC-32. */
function product(a: number, b: number): number {
  let sum = 0;
  let power = b;
  for (let bits = a; bits !== 0; bits <<= 1) {
    if (bits < 0) sum ^= power;
    power = (power & 1) === 0 ? power >>> 1 : (power >>> 1) ^ POLYNOMIAL;
  }
  return sum;
}
