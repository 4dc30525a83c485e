import { createHash } from 'node:crypto';

/** A cursor as the contract describes it, read without any code of the core. */
export interface DecodedCursor {
  /** The id bytes in hex. */
  readonly topicId: string;
  readonly offsets: ReadonlyMap<number, number>;
  /** Unix seconds; `null` where it has none. */
  readonly time: number | null;
}

export const NO_TOPIC_ID = '00000000';

/** @throws when it is not the one form in which ids are sent. */
export function decodeCursor(id: string): DecodedCursor {
  const [, text = id, time = null] = /^(.+)\/~([0-9a-z]{6})$/.exec(id) ?? [];
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new Error(`id is not base64url with padding: ${text}`);
  }
  const bytes = Buffer.from(text, 'base64url');
  if (bytes[0] !== 2) throw new Error(`id does not begin with byte 2: ${text}`);
  const reader = new IdReader(bytes, text);
  const offsets = reader.offsets(5);
  reader.end();
  return { topicId: bytes.toString('hex', 1, 5), offsets, time: secondsOf(time) };
}

/** By the names of topics. @throws when it is not the one form in which ids of several topics are sent. */
export function decodeTopicsCursor(
  id: string,
  names: readonly string[],
): ReadonlyMap<string, DecodedCursor> {
  const [, text = id, time = null] = /^(.+)\/~([0-9a-z]{6})$/.exec(id) ?? [];
  const bytes = Buffer.from(text, 'base64url');
  if (bytes[0] !== 3 || !(bytes[1]! > 0)) throw new Error(`an id of several topics: ${text}`);
  const reader = new IdReader(bytes, text);
  const cursors = new Map<string, DecodedCursor>();
  reader.at = 2;
  for (let left = bytes[1]!; left > 0; left--) {
    const begin = reader.at;
    const hash = bytes.subarray(begin, begin + 4);
    const name = names.find((one) => nameHash(one).equals(hash));
    if (name === undefined) throw new Error(`id names a topic that the stream has not: ${text}`);
    if (name <= ([...cursors.keys()].at(-1) ?? '')) throw new Error(`topics out of order: ${text}`);
    const topicId = bytes.toString('hex', begin + 4, begin + 8);
    cursors.set(name, { topicId, offsets: reader.offsets(begin + 8), time: secondsOf(time) });
  }
  reader.end();
  return cursors;
}

/** How ids of several topics name one. */
export function nameHash(topic: string): Buffer {
  return createHash('sha256').update(topic).digest().subarray(0, 4);
}

function secondsOf(time: string | null): number | null {
  return time === null ? null : Number.parseInt(time, 36);
}

class IdReader {
  at = 0;
  readonly #bytes: Buffer;
  readonly #text: string;

  constructor(bytes: Buffer, text: string) {
    this.#bytes = bytes;
    this.#text = text;
  }

  offsets(from: number): Map<number, number> {
    this.at = from;
    const offsets = new Map<number, number>();
    let previous = -1;
    for (let left = this.#number(); left > 0; left--) {
      const partition = this.#number();
      if (partition <= previous) this.#fail('names partitions out of order');
      previous = partition;
      offsets.set(partition, this.#number());
    }
    return offsets;
  }

  end(): void {
    if (this.at !== this.#bytes.length) this.#fail('has bytes after its end');
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) this.#fail('is cut off');
      value += (byte! & 0x7f) * scale;
      if (byte! < 0x80) break;
    }
    if (value % 2 === 1) this.#fail('holds a negative number');
    return value / 2;
  }

  #fail(what: string): never {
    throw new Error(`id ${what}: ${this.#text}`);
  }
}

export function encodeCursor({ topicId, offsets, time }: DecodedCursor): string {
  const text = encode([2, ...Buffer.from(topicId, 'hex')], offsets);
  return time === null ? text : `${text}/~${time.toString(36)}`;
}

/** Of several topics, by their names; in any order. */
export function encodeTopicsCursor(
  cursors: ReadonlyMap<string, DecodedCursor>,
  time: number | null,
): string {
  const bytes = [3, cursors.size];
  const inOrder = [...cursors].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { topicId, offsets }] of inOrder) {
    bytes.push(...nameHash(name), ...Buffer.from(topicId, 'hex'));
    writeOffsets(bytes, offsets);
  }
  const text = textOf(bytes);
  return time === null ? text : `${text}/~${time.toString(36)}`;
}

/** The older form, of another gateway. */
export function encodeCursorWithoutId(offsets: DecodedCursor['offsets']): string {
  return encode([1], offsets);
}

function encode(bytes: number[], offsets: DecodedCursor['offsets']): string {
  writeOffsets(bytes, offsets);
  return textOf(bytes);
}

function writeOffsets(bytes: number[], offsets: DecodedCursor['offsets']): void {
  const number = (value: number): void => {
    let rest = value * 2;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
    bytes.push(rest);
  };
  number(offsets.size);
  for (const [partition, offset] of [...offsets].sort(([a], [b]) => a - b)) {
    number(partition);
    number(offset);
  }
}

function textOf(bytes: readonly number[]): string {
  const text = Buffer.from(bytes).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
