import type { Header } from '../ports/source.ts';
import type { ByteWriter } from '../wire/byte_writer.ts';

const encoder = new TextEncoder();
// A BOM is the name's own.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Headers as a segment keeps them: lengths as zigzag varints, that of a value one more, 0 for null. */
export function writeHeaders(out: ByteWriter, headers: readonly Header[]): void {
  for (const [name, value] of headers) {
    const bytes = encoder.encode(name);
    out.zigzag(bytes.length);
    out.bytes(bytes);
    out.zigzag(value === null ? 0 : value.length + 1);
    if (value !== null) out.bytes(value);
  }
}

/** @returns the headers of bytes that `writeHeaders` made; values are views. */
export function readHeaders(bytes: Uint8Array): Header[] {
  const headers: Header[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value / 2;
      scale *= 0x80;
    }
  };
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const name = decoder.decode(take(number()));
    const length = number();
    headers.push([name, length === 0 ? null : take(length - 1)]);
  }
  return headers;
}
