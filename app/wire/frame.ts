import type { KafkaRecord } from '../ports/source.ts';
import type { ValueReader } from '../ports/values.ts';
import { ByteWriter } from './byte_writer.ts';
import { writeCursor } from './cursor.ts';
import type { Place } from './place.ts';

/**
 * The blocks of a Server-Sent Events stream, as bytes. LF only, no space after a colon, and the
 * `id:` is always a block's last line: some clients take an id at its line, so that a cut between
 * it and the data would lose the record.
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 *
 * @module
 */

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

const encoder = new TextEncoder();
const ascii = (text: string): Uint8Array => encoder.encode(text);
const DATA = ascii('data:');
const NEXT_DATA = ascii('\ndata:');
const DELETE = ascii('event:delete\ndata:');
const LEAVE = ascii('event:leave\ndata:');
const ID = ascii('id:');

/** A comment, which every client skips; it shows proxies and the kernel that the stream lives. */
export const HEARTBEAT: Uint8Array = ascii(':\n\n');

// A BOM is the value's own, so it stays; what is no UTF-8 becomes U+FFFD.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The first block of a stream: how long a client waits before it comes back. */
export function retryFrame(milliseconds: number): Uint8Array {
  return ascii(`retry:${milliseconds}\n\n`);
}

/**
 * All lines of a record's block but its id, in the plain form.
 * @param values reads the values of the topic; `null` where they are shown as they are
 */
export function writeTextLines(
  out: ByteWriter,
  record: KafkaRecord,
  values: ValueReader | null,
): void {
  const { value, headers } = record;
  if (value !== null) {
    out.bytes(DATA);
    writeData(out, values?.isBinary ? (values.read(value, headers).json ?? value) : value);
    out.byte(LF);
  } else if (record.key !== null) {
    out.bytes(DELETE);
    out.base64url(record.key);
    out.byte(LF);
  }
}

/**
 * The lines that tell a client that a key has left its view: a delete where its record is one.
 * @param record the key's newest, which is not for the client
 */
export function writeTextLeave(out: ByteWriter, { key, value }: KafkaRecord): void {
  out.bytes(value === null ? DELETE : LEAVE);
  out.base64url(key!);
  out.byte(LF);
}

/**
 * The id line and the blank line that ends the block: the client's place once it has the block.
 * @param time when the block is made, Unix seconds; `null` on a topic that is not compacted
 */
export function writeId(out: ByteWriter, place: Place, time: number | null): void {
  out.bytes(ID);
  writeCursor(out, place, time);
  out.byte(LF);
  out.byte(LF);
}

/** A block that says where the client is, and nothing else. */
export function idFrame(place: Place, time: number | null): Uint8Array {
  const out = new ByteWriter(128);
  writeId(out, place, time);
  return out.view();
}

/** The block that tells a client that its gateway hears nothing of the topic. It moves no place. */
export function staleFrame(since: number): Uint8Array {
  return ascii(`event:stale\ndata:{"since":${since}}\n\n`);
}

/** The block that ends what `stale` began. */
export const FRESH_FRAME: Uint8Array = ascii('event:fresh\ndata:{}\n\n');

/** An event that says nothing but its name. @param writeId `null` where it has no id */
export function writeEvent(
  out: ByteWriter,
  name: string,
  writeId: ((out: ByteWriter) => void) | null,
): void {
  out.text(`event:${name}\ndata:{}\n`);
  if (writeId !== null) {
    out.bytes(ID);
    writeId(out);
    out.byte(LF);
  }
  out.byte(LF);
}

/** The block that tells a client that it has all that was there when it came. */
export function liveFrame(place: Place, time: number | null): Uint8Array {
  const out = new ByteWriter(128);
  out.text('event:live\ndata:{}\n');
  writeId(out, place, time);
  return out.view();
}

/** The block that tells an idle client where it is by now: its place has moved without a record. */
export function placeFrame(place: Place, time: number | null): Uint8Array {
  const out = new ByteWriter(128);
  out.text('event:place\ndata:{}\n');
  writeId(out, place, time);
  return out.view();
}

/** The block behind which a stream ends with its client's token. */
export function expiredFrame(place: Place | null, time: number | null): Uint8Array {
  const out = new ByteWriter(128);
  out.text('event:expired\ndata:{}\n');
  // Without an id the client keeps the one that it came with.
  if (place === null) out.text('\n');
  else writeId(out, place, time);
  return out.view();
}

/**
 * A value as the rest of a `data:` line. Split on CRLF, LF and CR, one `data:` line each; a piece
 * that begins with a space gets one more before it, because a client takes one away.
 */
export function writeData(out: ByteWriter, value: Uint8Array): void {
  if (isPlain(value)) {
    out.bytes(value);
    return;
  }
  const text = decoder.decode(value);
  // Without a replacement in it the text is UTF-8 already, and its bytes need no making.
  const bytes = text.includes('\ufffd') ? encoder.encode(text) : value;
  let begin = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte !== LF && byte !== CR) continue;
    writePiece(out, bytes, begin, i);
    out.bytes(NEXT_DATA);
    if (byte === CR && bytes[i + 1] === LF) i++;
    begin = i + 1;
  }
  writePiece(out, bytes, begin, bytes.length);
}

function writePiece(out: ByteWriter, bytes: Uint8Array, begin: number, end: number): void {
  if (begin === end) return;
  if (bytes[begin] === SPACE) out.byte(SPACE);
  out.bytes(bytes.subarray(begin, end));
}

/** One line of ASCII that does not begin with a space: goes out as it is, which is the usual case. */
function isPlain(value: Uint8Array): boolean {
  if (value[0] === SPACE) return false;
  for (let i = 0; i < value.length; i++) {
    const byte = value[i]!;
    if (byte >= 0x80 || byte === LF || byte === CR) return false;
  }
  return true;
}
