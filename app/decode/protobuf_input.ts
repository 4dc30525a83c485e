/** Thrown where a value is not written as every serializer writes it: the library judges it then. */
export const UNUSUAL: Error = new Error('not as serializers write it');

/** Of a tag. */
export const [VARINT, BIT64, LENGTH_DELIMITED, BIT32] = [0, 1, 2, 5] as const;

/**
 * Protobuf's wire format, read from front to back.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufInput {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the next byte is. */
  at = 0;
  /** The halves of the number that was read last, of 32 bits each. */
  low = 0;
  high = 0;
  /** How many messages stand around what is read next. */
  depth = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  varint(end: number): void {
    const { bytes } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw UNUSUAL;
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.low = low;
        this.high = high;
        return;
      }
    }
    throw UNUSUAL;
  }

  /** The number of a field and its wire type, which stand in `low`. */
  tag(end: number): void {
    const begin = this.at;
    this.varint(end);
    if (this.high !== 0 || this.at - begin > 5) throw UNUSUAL;
  }

  /** Passes over a value. @returns where it begins, behind its length where it has one */
  skip(wireType: number, end: number): number {
    let begin = this.at;
    if (wireType === VARINT) this.varint(end);
    else if (wireType === BIT64) this.at += 8;
    else if (wireType === BIT32) this.at += 4;
    else if (wireType === LENGTH_DELIMITED) {
      this.varint(end);
      begin = this.at;
      if (this.high !== 0 || this.low < 0) throw UNUSUAL;
      this.at += this.low;
    } else throw UNUSUAL;
    if (this.at > end) throw UNUSUAL;
    return begin;
  }
}

/** A number of 64 bits in its digits. */
export function digits64(low: number, high: number, isSigned: boolean): string {
  const top = isSigned ? high : high >>> 0;
  const number = top * 2 ** 32 + (low >>> 0);
  if (Number.isSafeInteger(number)) return String(number);
  return ((BigInt(top) << 32n) | BigInt(low >>> 0)).toString();
}
