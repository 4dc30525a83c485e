import { Gunzip } from 'minizlib';

const LF = 0x0a;

/** Reads the body of a response of HTTP/1.1 that is compressed and comes in chunks, cut anywhere. */
export class GzipBody {
  #gunzip = new Gunzip({});
  /** What is left of the chunk that is being read. */
  #left = 0;
  /** The line that says how long the next one is, or ends one. */
  #line = '';

  /** @param {(bytes: Buffer) => void} onBytes what it is once it is decoded */
  constructor(onBytes) {
    this.#gunzip.on('data', onBytes);
  }

  /**
   * @param {Buffer} bytes
   * @param {number} from
   * @param {number} end
   */
  read(bytes, from, end) {
    for (let at = from; at < end; ) {
      if (this.#left > 0) {
        const next = Math.min(end, at + this.#left);
        this.#gunzip.write(Buffer.from(bytes.subarray(at, next)));
        this.#left -= next - at;
        at = next;
        continue;
      }
      const byte = /** @type {number} */ (bytes[at++]);
      if (byte !== LF) {
        this.#line += String.fromCharCode(byte);
        continue;
      }
      // Behind each chunk stands an empty line.
      this.#left = Number.parseInt(this.#line, 16) || 0;
      this.#line = '';
    }
  }
}
