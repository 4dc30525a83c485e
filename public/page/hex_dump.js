/** So many bytes a line: as the pane has room for. */
const WIDTH = 8;
/** More is for a program to look at. */
const MAX_BYTES = 4096;

/**
 * The bytes of a value, as far as the stream tells them.
 * @param {string} value
 * @param {boolean} isBase64 of either alphabet; what is none has no bytes
 * @returns {Uint8Array}
 */
export function bytesOf(value, isBase64) {
  if (!isBase64) return new TextEncoder().encode(value);
  try {
    const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/**
 * Bytes as numbers and, beside them, as letters.
 * @param {Uint8Array} bytes
 */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, MAX_BYTES); at += WIDTH) {
    const line = [...bytes.subarray(at, at + WIDTH)];
    const numbers = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·'));
    const place = at.toString(16).padStart(4, '0');
    lines.push(`${place}  ${numbers.padEnd(WIDTH * 3 - 1)}  ${letters.join('')}`);
  }
  if (bytes.length > MAX_BYTES) lines.push(`and ${bytes.length - MAX_BYTES} bytes more`);
  return lines.join('\n');
}
