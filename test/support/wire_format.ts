/**
 * The stream's bytes as the contract has them, written a second time and in another way than the
 * gateway does it, to compare with.
 *
 * @module
 */

import { Buffer } from 'node:buffer';

/** Next offsets by partition. */
export type Offsets = ReadonlyMap<number, number> | readonly number[];

/** The cursor's text. `topicId`: 8 hex digits, the first four bytes of the topic's id. */
export function cursorText(topicId: string, offsets: Offsets): string {
  return base64url(Buffer.concat([Buffer.from(`02${topicId}`, 'hex'), partitionsOf(offsets)]));
}

/** The form without the topic's id. */
export function oldCursorText(offsets: Offsets): string {
  return base64url(Buffer.concat([Buffer.from('01', 'hex'), partitionsOf(offsets)]));
}

/** Next offsets that a cursor's text names, with a time or without. */
export function cursorOffsets(text: string): Map<number, number> {
  const bytes = Buffer.from(text.replace(/\/.*/, ''), 'base64url');
  if (bytes[0] !== 2) throw new Error(`not a cursor of this gateway: ${text}`);
  const numbers: number[] = [];
  let bits = '';
  for (const byte of bytes.subarray(5)) {
    bits = (byte & 0x7f).toString(2).padStart(7, '0') + bits;
    if (byte >= 0x80) continue;
    numbers.push(Number(BigInt(`0b${bits}`) / 2n));
    bits = '';
  }
  const [count, ...rest] = numbers;
  const offsets = new Map<number, number>();
  for (let at = 0; at < rest.length; at += 2) offsets.set(rest[at]!, rest[at + 1]!);
  if (offsets.size !== count || rest.length !== 2 * count) throw new Error(`bad cursor ${text}`);
  return offsets;
}

/** One record as its producer gave it. */
export interface Written {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** The block of a record. */
export function recordBlock({ key, value }: Written, id: string): string {
  if (value === null && key === null) return `id:${id}\n\n`;
  if (value === null) return `event:delete\ndata:${base64url(key!)}\nid:${id}\n\n`;
  const lines = dataOf(value)
    .split('\n')
    .map((line) => `data:${line[0] === ' ' ? ' ' : ''}${line}\n`);
  return `${lines.join('')}id:${id}\n\n`;
}

/** What a gap tells of one partition. */
export type Lost = readonly [partition: number, from: number, to: number];

/** The block of a gap; the stream goes on at `id`. */
export function gapBlock(reason: string, topic: string, lost: readonly Lost[], id: string): string {
  const partitions = lost.map(([partition, from, to]) => ({ partition, from, to }));
  return `event:gap\ndata:${JSON.stringify({ reason, topic, partitions })}\nid:${id}\n\n`;
}

/** A value as an EventSource shows it: every line end is LF there. */
export function dataOf(value: Uint8Array): string {
  return Buffer.from(value).toString('utf8').replaceAll('\r\n', '\n').replaceAll('\r', '\n');
}

/** With padding, which Node's own `base64url` leaves out. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function partitionsOf(offsets: Offsets): Buffer {
  const pairs = [...offsets.entries()].sort(([a], [b]) => a - b);
  return Buffer.concat([pairs.length, ...pairs.flat()].map(zigzag));
}

function zigzag(value: number): Buffer {
  const digits = (BigInt(value) * 2n).toString(2);
  const padded = digits.padStart(Math.ceil(digits.length / 7) * 7, '0');
  const groups = padded.match(/.{7}/g)!.map((group) => Number.parseInt(group, 2));
  return Buffer.from(
    groups.reverse().map((group, at) => group | (at + 1 < groups.length ? 128 : 0)),
  );
}
