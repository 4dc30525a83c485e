import { Buffer } from 'node:buffer';

/** What a format does not have; the message says so. */
export class FormatError extends Error {
  /** @override */
  name = 'FormatError';
}

/**
 * A record, as `format=json` has it.
 *
 * @typedef {{
 *   topic?: string, partition?: number, offset?: number, timestamp?: number,
 *   key?: string | null, keyBase64?: string, value?: unknown, valueBase64?: string,
 *   headers?: [string, string | null, string?][],
 * }} JsonRecord
 */

/** @type {Record<string, (record: JsonRecord, topic: string) => string>} */
const FIELDS = {
  '%': () => '%',
  t: ({ topic: own }, topic) => own ?? topic,
  p: ({ partition }) => textOf(partition),
  o: ({ offset }) => textOf(offset),
  T: ({ timestamp }) => textOf(timestamp),
  k: keyTextOf,
  K: (record) => sizeOf(keyTextOf(record)),
  s: payloadOf,
  S: (record) => sizeOf(payloadOf(record)),
  h: ({ headers = [] }) =>
    headers.map(([name, value, base64]) => `${name}=${base64 ?? value ?? 'NULL'}`).join(','),
};

/** @type {Record<string, string>} */
const ESCAPES = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

/**
 * Reads a format as kcat's `-f` has it: `%k` and so on, `\n`, `\x1f`. Nothing is put behind a record
 * but what stands there.
 *
 * @param {string} text
 * @returns {(record: JsonRecord, topic: string) => string}
 * @throws {FormatError}
 */
export function parseFormat(text) {
  const parts = text.split(/(%.?|\\x[0-9a-f]{2}|\\.?)/is).map((part) => {
    if (part.startsWith('%')) return fieldOf(part);
    const literal = part.startsWith('\\') ? unescaped(part) : part;
    return () => literal;
  });
  return (record, topic) => parts.map((part) => part(record, topic)).join('');
}

/** @param {string} part */
function fieldOf(part) {
  const name = part.slice(1);
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  if (field === undefined) {
    const known = Object.keys(FIELDS).map((one) => `%${one}`);
    throw new FormatError(`'${part}' is none of ${known.join(' ')}`);
  }
  return field;
}

/** @param {string} part */
function unescaped(part) {
  const name = part.slice(1);
  if (/^x/i.test(name) && name.length === 3)
    return String.fromCharCode(Number.parseInt(name.slice(1), 16));
  const character = ESCAPES[name];
  if (character === undefined) throw new FormatError(`'${part}' is none of \\n \\r \\t \\\\ \\xHH`);
  return character;
}

/** @param {JsonRecord} record */
function keyTextOf({ key, keyBase64 }) {
  return keyBase64 ?? key ?? '';
}

/** @param {JsonRecord} record */
function payloadOf({ value, valueBase64 }) {
  if (valueBase64 !== undefined) return valueBase64;
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
}

/** @param {number | undefined} number */
function textOf(number) {
  return number === undefined ? '' : String(number);
}

/** @param {string} text */
function sizeOf(text) {
  return String(Buffer.byteLength(text));
}
