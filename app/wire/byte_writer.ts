const encoder = new TextEncoder();
const BASE64URL = encoder.encode(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
);
const BASE64 = encoder.encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
/** Copied byte by byte, which is faster than to begin a copy. */
const SHORT = 64;

/**
 * Bytes that grow at the end. What was written is never changed again, so a view that was handed
 * out stays right when more is written, or when the buffer behind it is exchanged for a larger one.
 */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes held in memory, the unused end included. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** A view, not a copy. */
  view(from = 0, to = this.#length): Uint8Array {
    return this.#buffer.subarray(from, to);
  }

  /** What was written, in an array of its own. */
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /**
   * Forgets what was written; only for writers of which no view is held any more.
   * @param maxCapacity what is larger is not held
   */
  clear(maxCapacity: number = Number.POSITIVE_INFINITY): void {
    this.#length = 0;
    if (this.#buffer.length > maxCapacity) this.#buffer = new Uint8Array(maxCapacity);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Those of a part, which are few, at less cost than a view of it. */
  part(value: Uint8Array, from: number, to: number): void {
    if (to - from > SHORT) {
      this.bytes(value.subarray(from, to));
      return;
    }
    this.#reserve(to - from);
    const buffer = this.#buffer;
    let length = this.#length;
    for (let i = from; i < to; i++) buffer[length++] = value[i]!;
    this.#length = length;
  }

  /** UTF-8; a lone surrogate becomes U+FFFD. */
  text(value: string): void {
    this.#reserve(value.length);
    const { read, written } = encoder.encodeInto(value, this.#buffer.subarray(this.#length));
    this.#length += written;
    if (read === value.length) return;
    // A UTF-16 unit takes three bytes of UTF-8 at the most, but room for that would be held for
    // ASCII too.
    const rest = value.slice(read);
    this.#reserve(rest.length * 3);
    this.#length += encoder.encodeInto(rest, this.#buffer.subarray(this.#length)).written;
  }

  /** A short text of ASCII, at less cost than `text`. */
  ascii(value: string): void {
    this.#reserve(value.length);
    const buffer = this.#buffer;
    let length = this.#length;
    for (let i = 0; i < value.length; i++) buffer[length++] = value.charCodeAt(i);
    this.#length = length;
  }

  base64(value: Uint8Array): void {
    this.#base64(value, BASE64);
  }

  /** RFC 4648 section 5, with padding. */
  base64url(value: Uint8Array): void {
    this.#base64(value, BASE64URL);
  }

  /**
   * Turns what was written from `begin` on, of which no view was handed out, into its base64url: in
   * place, from the end, because the text is longer than the bytes.
   */
  toBase64url(begin: number): void {
    const count = this.#length - begin;
    const whole = count - (count % 3);
    const end = begin + Math.ceil(count / 3) * 4;
    this.#reserve(end - this.#length);
    const out = this.#buffer;
    if (whole < count) {
      const bits =
        (out[begin + whole]! << 16) | (whole + 1 < count ? out[begin + whole + 1]! << 8 : 0);
      out[end - 1] = PADDING;
      out[end - 2] = whole + 1 < count ? BASE64URL[(bits >> 6) & 63]! : PADDING;
      out[end - 3] = BASE64URL[(bits >> 12) & 63]!;
      out[end - 4] = BASE64URL[bits >> 18]!;
    }
    for (let from = begin + whole - 3, to = begin + (whole / 3) * 4 - 4; from >= begin; from -= 3) {
      const bits = (out[from]! << 16) | (out[from + 1]! << 8) | out[from + 2]!;
      out[to + 3] = BASE64URL[bits & 63]!;
      out[to + 2] = BASE64URL[(bits >> 6) & 63]!;
      out[to + 1] = BASE64URL[(bits >> 12) & 63]!;
      out[to] = BASE64URL[bits >> 18]!;
      to -= 4;
    }
    this.#length = end;
  }

  /** Zigzag varint of a whole number from 0 to 2^53 - 1. */
  zigzag(value: number): void {
    this.#reserve(8);
    const out = this.#buffer;
    let at = this.#length;
    let rest = value * 2;
    if (rest >= 2 ** 28) {
      // Bit operations end at 32 bits, and exact division is slow: one for four bytes.
      const high = Math.floor(rest / 2 ** 28);
      const low = rest - high * 2 ** 28;
      for (let shift = 0; shift < 28; shift += 7) out[at++] = (low >> shift) | 0x80;
      rest = high;
    }
    for (; rest >= 0x80; rest >>= 7) out[at++] = rest | 0x80;
    out[at++] = rest;
    this.#length = at;
  }

  #base64(value: Uint8Array, alphabet: Uint8Array): void {
    this.#reserve(Math.ceil(value.length / 3) * 4);
    const out = this.#buffer;
    let at = this.#length;
    const whole = value.length - (value.length % 3);
    for (let i = 0; i < whole; i += 3) {
      const bits = (value[i]! << 16) | (value[i + 1]! << 8) | value[i + 2]!;
      out[at++] = alphabet[bits >> 18]!;
      out[at++] = alphabet[(bits >> 12) & 63]!;
      out[at++] = alphabet[(bits >> 6) & 63]!;
      out[at++] = alphabet[bits & 63]!;
    }
    if (whole < value.length) {
      const bits = (value[whole]! << 16) | ((value[whole + 1] ?? 0) << 8);
      out[at++] = alphabet[bits >> 18]!;
      out[at++] = alphabet[(bits >> 12) & 63]!;
      out[at++] = whole + 1 < value.length ? alphabet[(bits >> 6) & 63]! : PADDING;
      out[at++] = PADDING;
    }
    this.#length = at;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
