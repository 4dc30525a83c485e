import { ByteWriter } from '../wire/byte_writer.ts';
import { Malformed } from './malformed.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
/** What JSON.stringify makes of each that cannot stand in a text. */
const ESCAPES: readonly Uint8Array[] = Array.from({ length: 0x20 }, (_, code) =>
  encoder.encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);

/** What one large value has made larger is not held for ever. */
export const MAX_HELD_BYTES: number = 2 ** 20;

/** The pieces of JSON that a value is made of, written one behind the other. */
export class JsonWriter extends ByteWriter {
  /**
   * A text, of a part that is its UTF-8, with the escapes that JSON.stringify has.
   * @throws Malformed where it is none
   */
  utf8(bytes: Uint8Array, from: number, to: number): void {
    this.byte(QUOTE);
    let all = 0;
    let begin = from;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      all |= byte;
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) continue;
      this.part(bytes, begin, i);
      begin = i + 1;
      if (byte < 0x20) this.bytes(ESCAPES[byte]!);
      else {
        this.byte(BACKSLASH);
        this.byte(byte);
      }
    }
    if (all >= 0x80 && !isUtf8(bytes.subarray(from, to))) {
      throw new Malformed('a text that is no UTF-8');
    }
    this.part(bytes, begin, to);
    this.byte(QUOTE);
  }

  base64Text(bytes: Uint8Array): void {
    this.byte(QUOTE);
    this.base64(bytes);
    this.byte(QUOTE);
  }

  /** Those that JSON has no number for are texts. */
  double(value: number): void {
    if (!Number.isFinite(value)) this.ascii(`"${value}"`);
    else this.ascii(Object.is(value, -0) ? '-0' : String(value));
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
