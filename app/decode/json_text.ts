const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The JSON that bytes are, without the white space around it: a view. `null` where they are none. */
export function jsonText(bytes: Uint8Array): Uint8Array | null {
  try {
    JSON.parse(decoder.decode(bytes));
  } catch {
    return null;
  }
  let begin = 0;
  let end = bytes.length;
  while (isBlank(bytes[begin]!)) begin++;
  while (isBlank(bytes[end - 1]!)) end--;
  return bytes.subarray(begin, end);
}

/** https://www.rfc-editor.org/rfc/rfc8259#section-2 */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
