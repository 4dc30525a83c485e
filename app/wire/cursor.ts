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
 * On a compacted topic `/~` and the time follow, Unix seconds in base 36.
 */
export interface Cursor {
  readonly topicId: TopicId;
  /** Next offset by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** When it was made, Unix seconds; left out where it does not say. */
  readonly time?: number;
}

const VERSION = 2;
const VERSION_WITHOUT_TOPIC_ID = 1;
const MAX_PARTITION = 2 ** 31 - 1;
/** Of one cursor: a stranger's must not be long. */
const MAX_PARTITIONS = 1000;
/** That of a varint's eighth byte, the last one that a number below 2^53 needs. */
const MAX_SCALE = 2 ** 48;
/** What stands before the time. */
const TIME_MARK = '/~';

/**
 * Writes the text of a place's cursor, ASCII.
 * @param time Unix seconds; `null` on a topic that is not compacted
 */
export function writeCursor(
  out: ByteWriter,
  { topicId, positions, unknown }: Place,
  time: number | null,
): void {
  const begin = out.length;
  out.byte(VERSION);
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
  out.toBase64url(begin);
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
): Cursor | null | 'unreadable' {
  for (const place of places) {
    // A header that came twice, at first empty, begins with the comma that joins the two.
    const text = withoutForeignForm(place?.replace(/^[\s,]+/, '').trimEnd() ?? '');
    if (text !== '') return parseCursor(text) ?? 'unreadable';
  }
  return null;
}

/** @returns `null` for a text that is no cursor. */
export function parseCursor(text: string): Cursor | null {
  const [place, time] = /^(.*)\/~([0-9a-z]{1,10})$/s.exec(text)?.slice(1) ?? [text];
  const bytes = decodeBase64url(place!);
  if (bytes === null) return null;
  const versioned = bytes[0] === VERSION && bytes.length > TOPIC_ID_BYTES;
  if (!versioned && bytes[0] !== VERSION_WITHOUT_TOPIC_ID) return null;
  const topicId = versioned ? bytes.slice(1, 1 + TOPIC_ID_BYTES) : NO_TOPIC_ID;
  const numbers = decodeZigzags(bytes.subarray(versioned ? 1 + TOPIC_ID_BYTES : 1));
  if (numbers === null || numbers.length !== 1 + 2 * numbers[0]!) return null;
  if (numbers[0]! > MAX_PARTITIONS) return null;
  const offsets = new Map<number, number>();
  for (let i = 1; i < numbers.length; i += 2) {
    const partition = numbers[i]!;
    if (partition > MAX_PARTITION || offsets.has(partition)) return null;
    offsets.set(partition, numbers[i + 1]!);
  }
  return time === undefined
    ? { topicId, offsets }
    : { topicId, offsets, time: Number.parseInt(time, 36) };
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

/** @returns `null` where a number is negative, above 2^53 - 1, cut off, or drawn out with zeros. */
function decodeZigzags(bytes: Uint8Array): number[] | null {
  const numbers: number[] = [];
  let value = 0;
  // Half, because the lowest bit is the sign.
  let scale = 0.5;
  for (const byte of bytes) {
    if (scale === 0.5 && (byte & 1) === 1) return null;
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER || scale > MAX_SCALE) return null;
    if (byte >= 0x80) {
      scale *= 0x80;
    } else {
      numbers.push(value);
      value = 0;
      scale = 0.5;
    }
  }
  return scale === 0.5 ? numbers : null;
}
