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
  let at = 5;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error(`id is cut off: ${text}`);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (value % 2 === 1) throw new Error(`id holds a negative number: ${text}`);
    return value / 2;
  };
  const offsets = new Map<number, number>();
  let previous = -1;
  for (let left = number(); left > 0; left--) {
    const partition = number();
    if (partition <= previous) throw new Error(`id names partitions out of order: ${text}`);
    previous = partition;
    offsets.set(partition, number());
  }
  if (at !== bytes.length) throw new Error(`id has bytes after its end: ${text}`);
  return {
    topicId: bytes.toString('hex', 1, 5),
    offsets,
    time: time === null ? null : Number.parseInt(time, 36),
  };
}

export function encodeCursor({ topicId, offsets, time }: DecodedCursor): string {
  const text = encode([2, ...Buffer.from(topicId, 'hex')], offsets);
  return time === null ? text : `${text}/~${time.toString(36)}`;
}

/** The older form, of another gateway. */
export function encodeCursorWithoutId(offsets: DecodedCursor['offsets']): string {
  return encode([1], offsets);
}

function encode(bytes: number[], offsets: DecodedCursor['offsets']): string {
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
  const text = Buffer.from(bytes).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
