import type { Header } from '../ports/source.ts';

/** The schema that a value was written with, as its record names it. */
export interface SchemaId {
  /** Its number, or its GUID as text. */
  readonly id: SchemaKey;
  /** Where in the value what is of that schema begins. */
  readonly begin: number;
  /** What stands behind the id in a header: Protobuf's message indexes. */
  readonly rest: Uint8Array | null;
}

export type SchemaKey = number | string;

const HEADER = '__value_schema_id';
const [BY_NUMBER, BY_GUID] = [0, 1];
const [NUMBER_END, GUID_END] = [5, 17];

/**
 * By Confluent's wire formats: in the header where there is one, else before the value.
 * @returns `null` where the record names none
 */
export function schemaIdOf(value: Uint8Array, headers: readonly Header[]): SchemaId | null {
  const header = headers.findLast(([name]) => name === HEADER)?.[1] ?? null;
  if (header === null) return idIn(value);
  const found = idIn(header);
  return found && { id: found.id, begin: 0, rest: header.subarray(found.begin) };
}

function idIn(bytes: Uint8Array): SchemaId | null {
  if (bytes[0] === BY_NUMBER && bytes.length >= NUMBER_END) {
    const id = bytes[1]! * 2 ** 24 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!);
    return { id, begin: NUMBER_END, rest: null };
  }
  if (bytes[0] === BY_GUID && bytes.length >= GUID_END) {
    return { id: guid(bytes.subarray(1, GUID_END)), begin: GUID_END, rest: null };
  }
  return null;
}

/** https://www.rfc-editor.org/rfc/rfc9562#section-4 */
function guid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
