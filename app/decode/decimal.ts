import { Malformed } from './malformed.ts';

/** Of some 2,400 digits: writing them takes time by the square of their number. */
const MAX_BYTES = 1000;

/** A number in two's complement, the highest byte first, with so many digits behind its point. */
export function decimalText(bytes: Uint8Array, scale: number): string {
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  const sign = isNegative ? 0xff : 0;
  let begin = 0;
  while (begin < bytes.length && bytes[begin] === sign) begin++;
  if (bytes.length - begin > MAX_BYTES || scale > MAX_BYTES * 3) {
    throw new Malformed(`a decimal of more than ${MAX_BYTES} bytes`);
  }
  let hex = '0x0';
  for (let i = begin; i < bytes.length; i++) hex += bytes[i]!.toString(16).padStart(2, '0');
  const unsigned = BigInt(hex);
  const digits = isNegative ? (1n << BigInt(8 * (bytes.length - begin))) - unsigned : unsigned;
  const text = digits.toString().padStart(scale + 1, '0');
  const point = text.length - scale;
  return `${isNegative ? '-' : ''}${text.slice(0, point)}${scale === 0 ? '' : `.${text.slice(point)}`}`;
}
