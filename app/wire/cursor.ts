import { bytesOfBase64 } from './base64.ts';
import { ByteWriter } from './byte_writer.ts';
import type { Place } from './place.ts';
import { NO_TOPIC_ID, TOPIC_ID_BYTES, type TopicId } from './topic_id.ts';

/**
 * Where a client is in a topic: the next offset of each partition. It travels as the `id` of a
 * block and comes back in `Last-Event-ID`; it is all the state that a client has.
 *
 * Base64url, with padding, of: byte 2; the first four bytes of the topic's id; zigzag varint count
 * of partitions; for each, zigzag varint partition and zigzag varint next offset. Byte 1, without
 * the id bytes, is read too: it is Zilla's form, so that its clients move over without a replay.
 * That of a stream of several topics, `TopicsCursor`: byte 3; count of topics; for each, in order of
 * their names, four bytes of the SHA-256 of its name, and all of the above but the version.
 * On a compacted topic `/~` and the time follow, Unix seconds in base 36.
 */
export interface Cursor {
  readonly topicId: TopicId;
  /** Next offset by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** When it was made, Unix seconds; left out where it does not say. */
  readonly time?: number;
}

/** A topic's part of a cursor of several. */
export interface TopicCursor extends Omit<Cursor, 'time'> {
  /** The first four bytes of the SHA-256 of its name. */
  readonly nameHash: Uint8Array;
}

/** Where a client is in several topics, each named once: what a stream of several has as its `id`. */
export interface TopicsCursor {
  readonly topics: readonly TopicCursor[];
  /** As that of one topic. */
  readonly time?: number;
}

/** What a client sends: the cursor of a stream of one topic, or of several. */
export type AnyCursor = Cursor | TopicsCursor;

const VERSION = 2;
const VERSION_WITHOUT_TOPIC_ID = 1;
export const VERSION_OF_SEVERAL = 3;
/** Of one stream. */
export const MAX_TOPICS = 32;
export const NAME_HASH_BYTES = 4;
const MAX_PARTITION = 2 ** 31 - 1;
/** Of one topic: a stranger's cursor must not be long. */
export const MAX_PARTITIONS = 1000;
/** That of a varint's eighth byte, the last one that a number below 2^53 needs. */
const MAX_SCALE = 2 ** 48;
/** What stands before the time. */
const TIME_MARK = '/~';
/** No number, which are 0 or more. */
const NONE = -1;

/**
 * Writes the text of a place's cursor, ASCII.
 * @param time Unix seconds; `null` on a topic that is not compacted
 */
export function writeCursor(out: ByteWriter, place: Place, time: number | null): void {
  const begin = out.length;
  out.byte(VERSION);
  writePlace(out, place);
  out.toBase64url(begin);
  writeTime(out, time);
}

/** What every cursor has of a topic, in bytes: its id, and the next offset of each partition. */
export function writePlace(out: ByteWriter, { topicId, positions, unknown }: Place): void {
  out.bytes(topicId);
  out.zigzag(positions.length + unknown.length);
  for (let partition = 0; partition < positions.length; partition++) {
    out.zigzag(partition);
    out.zigzag(positions[partition]!);
  }
  for (const [partition, offset] of unknown) {
    out.zigzag(partition);
    out.zigzag(offset);
  }
}

/** What follows a cursor that says when it was made. */
export function writeTime(out: ByteWriter, time: number | null): void {
  if (time !== null) out.text(TIME_MARK + time.toString(36));
}

/** The text of a place's cursor, without a time. */
export function cursorText(place: Place): string {
  const out = new ByteWriter(128);
  writeCursor(out, place, null);
  return new TextDecoder().decode(out.view());
}

/**
 * The cursor a client sent: the first of `places` that holds one.
 * @returns `null` where none is sent; `'unreadable'` where something is sent that is no cursor.
 */
export function findCursor(
  places: Iterable<string | null | undefined>,
): AnyCursor | null | 'unreadable' {
  for (const place of places) {
    // A header that came twice, at first empty, begins with the comma that joins the two.
    const text = withoutForeignForm(place?.replace(/^[\s,]+/, '').trimEnd() ?? '');
    if (text !== '') return parseAnyCursor(text) ?? 'unreadable';
  }
  return null;
}

/** @returns `null` for a text that is no cursor of one topic. */
export function parseCursor(text: string): Cursor | null {
  const cursor = parseAnyCursor(text);
  return cursor === null || 'topics' in cursor ? null : cursor;
}

/** @returns `null` for a text that is no cursor. */
export function parseAnyCursor(text: string): AnyCursor | null {
  const [place, seconds] = /^(.*)\/~([0-9a-z]{1,10})$/s.exec(text)?.slice(1) ?? [text];
  const bytes = decodeBase64url(place!);
  if (bytes === null) return null;
  const cursor = readCursor(new CursorReader(bytes));
  if (cursor === null || seconds === undefined) return cursor;
  return { ...cursor, time: Number.parseInt(seconds, 36) };
}

/**
 * What a cursor of several topics says of one, or a cursor of one topic as it is.
 * @returns `null` where it does not name that topic, which is to be sent from its beginning
 */
export function cursorFor(cursor: AnyCursor, nameHash: Uint8Array): Cursor | null {
  if (!('topics' in cursor)) return cursor;
  const { topics, time } = cursor;
  const part = topics.find((one) => one.nameHash.every((byte, at) => byte === nameHash[at]));
  if (part === undefined) return null;
  const { topicId, offsets } = part;
  return time === undefined ? { topicId, offsets } : { topicId, offsets, time };
}

/** The first four bytes of the SHA-256 of a topic's name, by which a cursor of several names it. */
export async function nameHashOf(topic: string): Promise<Uint8Array> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(topic));
  return new Uint8Array(hash, 0, NAME_HASH_BYTES);
}

function readCursor(reader: CursorReader): AnyCursor | null {
  const version = reader.byte();
  if (version === VERSION_OF_SEVERAL) return readTopics(reader);
  if (version !== VERSION && version !== VERSION_WITHOUT_TOPIC_ID) return null;
  const topicId = version === VERSION ? reader.bytes(TOPIC_ID_BYTES) : NO_TOPIC_ID;
  const offsets = topicId === null ? null : readOffsets(reader);
  return offsets === null || !reader.isAtEnd ? null : { topicId: topicId!, offsets };
}

function readTopics(reader: CursorReader): TopicsCursor | null {
  // One byte of a varint: there are no more.
  const count = reader.byte();
  if (count < 1 || count > MAX_TOPICS) return null;
  const topics = new Map<string, TopicCursor>();
  for (let n = 0; n < count; n++) {
    const nameHash = reader.bytes(NAME_HASH_BYTES);
    const topicId = reader.bytes(TOPIC_ID_BYTES);
    const offsets = readOffsets(reader);
    if (nameHash === null || topicId === null || offsets === null) return null;
    topics.set(nameHash.join(), { nameHash, topicId, offsets });
  }
  return topics.size === count && reader.isAtEnd ? { topics: [...topics.values()] } : null;
}

function readOffsets(reader: CursorReader): Map<number, number> | null {
  const count = reader.zigzag();
  if (count === NONE || count > MAX_PARTITIONS) return null;
  const offsets = new Map<number, number>();
  for (let n = 0; n < count; n++) {
    const partition = reader.zigzag();
    const offset = reader.zigzag();
    if (partition === NONE || offset === NONE || partition > MAX_PARTITION) return null;
    offsets.set(partition, offset);
  }
  return offsets.size === count ? offsets : null;
}

/** Takes the cursor out of `["<base64 key>","<cursor>"]`, `[null,"<cursor>"]`, `<cursor>/<etag>`. */
function withoutForeignForm(text: string): string {
  // An etag may hold quotes: only the last one ends it.
  const inner = /^\[\s*(?:null|"[^"]*")\s*,\s*"(.*)"\s*\]$/s.exec(text)?.[1] ?? text;
  const [, cursor, time = ''] = /^([^/]*)(\/~[0-9a-z]{1,10}(?=\s*(?:\/|$)))?/.exec(inner)!;
  const place = cursor!.trim();
  return place === '' ? '' : place + time;
}

function decodeBase64url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return null;
  try {
    return bytesOfBase64(text);
  } catch {
    return null;
  }
}

/** Reads what a stranger sent as a cursor, from its beginning to its end. */
class CursorReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @returns -1 at the end. */
  byte(): number {
    return this.#bytes[this.#at++] ?? NONE;
  }

  /** @returns `null` where there are not so many. */
  bytes(count: number): Uint8Array | null {
    const bytes = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return bytes.length === count ? bytes : null;
  }

  /** @returns -1 where a number is negative, above 2^53 - 1, cut off, or drawn out with zeros. */
  zigzag(): number {
    let value = 0;
    // Half, because the lowest bit is the sign.
    for (let scale = 0.5; scale <= MAX_SCALE; scale *= 0x80) {
      const byte = this.byte();
      if (byte === NONE || (scale === 0.5 && (byte & 1) === 1)) return NONE;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) return NONE;
      if (byte < 0x80) return value;
    }
    return NONE;
  }
}
