/**
 * The values of the records: JSON of a fixed size that carries when it was sent and its number,
 * `{"m":"@<ns>:<seq>;","p":"xxx…"}`. The one `@` of each value is what deliveries are counted by:
 * a single byte is never cut in two, so that nothing of the stream has to be parsed.
 *
 * @module
 */

/** Bytes of a value; also the least distance of two `@`, which counting leaps over. */
export const VALUE_BYTES = 200;

const AT = 0x40;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
/** No stamp is longer: 19 digits, 10 digits, three signs. */
const LONGEST = 40;

/**
 * @param {number} micros
 * @param {number} seq
 * @param {number} bytes at least `VALUE_BYTES`
 */
export function stampedValue(micros, seq, bytes = VALUE_BYTES) {
  const head = `{"m":"@${Math.round(micros)}000:${seq};","p":"`;
  return Buffer.from(`${head}${'x'.repeat(bytes - head.length - 2)}"}`, 'latin1');
}

/**
 * The same as an order: what people put into JSON, as far as it shrinks.
 *
 * @param {number} micros
 * @param {number} seq
 */
export function stampedOrder(micros, seq) {
  const order = (seq * 7919) % 900_000;
  const status = ['new', 'paid', 'sent', 'returned'][seq % 4];
  const amount = ((seq * 3777) % 99_999) / 100;
  const at = new Date(micros / 1000).toISOString();
  const text =
    `{"m":"@${Math.round(micros)}000:${seq};","order":"o-${order}","customer":"c-${(seq * 31) % 5000}",` +
    `"status":"${status}","amount":${amount},"currency":"EUR","at":"${at}","sku":"`;
  const left = VALUE_BYTES - text.length - 2;
  const sku = ((seq * 2_654_435_761) % 2 ** 40).toString(36).padEnd(left, 'abcdef').slice(0, left);
  return Buffer.from(`${text}${sku}"}`, 'latin1');
}

/**
 * How many values begin in these bytes.
 *
 * @param {Uint8Array} bytes
 * @param {number} length only so many of them
 */
export function countStamps(bytes, length) {
  let count = 0;
  for (let at = 0; at < length; ) {
    if (bytes[at] === AT) {
      count++;
      at += VALUE_BYTES;
    } else {
      at++;
    }
  }
  return count;
}

/** Reads the stamps of one stream, whose bytes come in pieces cut anywhere. */
export class StampReader {
  /** The beginning of a stamp that the last piece ended in. */
  #cut = '';
  #onStamp;

  /** @param {(micros: number, seq: number) => void} onStamp */
  constructor(onStamp) {
    this.#onStamp = onStamp;
  }

  /**
   * @param {Buffer} bytes
   * @param {number} length only so many of them
   */
  read(bytes, length) {
    if (this.#cut !== '') {
      const text = this.#cut + bytes.toString('latin1', 0, Math.min(LONGEST, length));
      const whole = Buffer.from(text, 'latin1');
      this.#cut = '';
      this.#stamp(whole, 0, whole.length);
    }
    for (let at = 0; at < length; ) {
      if (bytes[at] === AT) {
        this.#stamp(bytes, at, length);
        at += VALUE_BYTES;
      } else {
        at++;
      }
    }
  }

  /**
   * @param {Buffer} bytes
   * @param {number} at of its `@`
   * @param {number} end
   */
  #stamp(bytes, at, end) {
    let nanos = 0;
    let seq = 0;
    let inSeq = false;
    for (let i = at + 1; i < end; i++) {
      const byte = /** @type {number} */ (bytes[i]);
      if (byte === SEMICOLON) {
        if (inSeq) this.#onStamp(nanos / 1000, seq);
        return;
      }
      if (byte === COLON) inSeq = true;
      // Frames of HTTP's chunks may stand in the middle of a stamp: then it is not counted.
      else if (byte < 0x30 || byte > 0x39) return;
      else if (inSeq) seq = seq * 10 + byte - 0x30;
      else nanos = nanos * 10 + byte - 0x30;
    }
    if (end - at < LONGEST) this.#cut = bytes.toString('latin1', at, end);
  }
}
