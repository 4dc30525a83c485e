import { bytesOfBase64 } from './base64.ts';
import { ByteWriter } from './byte_writer.ts';
import { type Cursor, VERSION_OF_SEVERAL, writePlace, writeTime } from './cursor.ts';
import type { Place } from './place.ts';

/** What the id of a stream of several topics has of one of them, in bytes. */
export type CursorPart = Uint8Array;

const decoder = new TextDecoder();

/** The part of a topic, by its place. */
export function partOfPlace(nameHash: Uint8Array, place: Place): CursorPart {
  const out = new ByteWriter(64);
  out.bytes(nameHash);
  writePlace(out, place);
  return out.copy();
}

/** The part of a topic, by the cursor that a client came with. */
export function partOfCursor(nameHash: Uint8Array, { topicId, offsets }: Cursor): CursorPart {
  const unknown = [...offsets].sort(([a], [b]) => a - b);
  return partOfPlace(nameHash, { topicId, positions: new Float64Array(0), unknown });
}

/**
 * The part of a topic, by an id of a stream of that topic alone: all of it but the version.
 * @param id its base64url, ASCII, without a time
 */
export function partOfId(nameHash: Uint8Array, id: Uint8Array): CursorPart {
  const bytes = bytesOfBase64(decoder.decode(id));
  const part = new Uint8Array(nameHash.length + bytes.length - 1);
  part.set(nameHash);
  part.set(bytes.subarray(1), nameHash.length);
  return part;
}

/**
 * Writes the text of the cursor of several topics, ASCII.
 * @param parts in order of the names of their topics; those of which nothing is known are left out
 * @param time Unix seconds; `null` where none of the topics is compacted
 */
export function writeTopicsCursor(
  out: ByteWriter,
  parts: readonly (CursorPart | null)[],
  time: number | null,
): void {
  const begin = out.length;
  const known = parts.filter((part) => part !== null);
  out.byte(VERSION_OF_SEVERAL);
  out.byte(known.length);
  for (const part of known) out.bytes(part);
  out.toBase64url(begin);
  writeTime(out, time);
}

/** Whether two ids say the same of each topic. */
export function areSameParts(
  some: readonly (CursorPart | null)[],
  others: readonly (CursorPart | null)[],
): boolean {
  return some.every((part, n) => {
    const other = others[n];
    if (part === null || !other || part.length !== other.length) return false;
    return part.every((byte, at) => byte === other[at]);
  });
}
