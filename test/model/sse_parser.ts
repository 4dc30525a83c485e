import { isUtf8 } from 'node:buffer';

/** One block of a stream. */
export interface Block {
  /** `message` where the block names none. */
  readonly event: string;
  /** `null` in a block without data lines. */
  readonly data: string | null;
  /** Empty where the event has none. */
  readonly id: string;
}

const EVENTS = ['delete', 'leave', 'gap', 'live', 'place', 'stale', 'fresh', 'expired'];
/** Those that move no place. */
const WITHOUT_ID = ['stale', 'fresh'];

/**
 * Reads a stream as a browser does: a block counts once its blank line has arrived. Beyond that it
 * insists on the contract's form: LF only, no space after a colon, `id:` last in each block.
 */
export class SseParser {
  #rest: Buffer = Buffer.alloc(0);

  /** Whether the bytes so far end within a block. */
  get isWithinBlock(): boolean {
    return this.#rest.length > 0;
  }

  /** The blocks that these bytes complete. @throws where the form is broken. */
  push(bytes: Uint8Array): Block[] {
    const buffer = this.#rest.length === 0 ? view(bytes) : Buffer.concat([this.#rest, bytes]);
    const whole = buffer.subarray(0, buffer.lastIndexOf('\n\n') + 1);
    if (!isUtf8(whole)) throw new Error('a block that is not UTF-8');
    const blocks: Block[] = [];
    let from = 0;
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n', from)) {
      blocks.push(parse(buffer.toString('utf8', from, end)));
      from = end + 2;
    }
    this.#rest = Buffer.from(buffer.subarray(from));
    return blocks;
  }
}

function parse(text: string): Block {
  const fail = (what: string): never => {
    throw new Error(`${what} in block ${JSON.stringify(text)}`);
  };
  if (text.includes('\r')) fail('a CR');
  if (/^retry:\d+$/.test(text)) return { event: 'retry', data: null, id: '' };
  const lines = text.split('\n');
  // A token may be over before the place of its client is known.
  const isPlaceless = text === 'event:expired\ndata:{}';
  const hasId = !isPlaceless && !WITHOUT_ID.includes(lines[0]!.slice('event:'.length));
  const last = hasId ? lines.pop()! : 'id:';
  if (!last.startsWith('id:')) fail('id: is not the last line');
  let event = 'message';
  if (lines[0]?.startsWith('event:')) {
    event = lines.shift()!.slice('event:'.length);
    if (!EVENTS.includes(event)) fail('an unknown event');
  }
  const data = lines.map((line) => {
    if (!line.startsWith('data:')) fail('an unknown line');
    const value = line.slice('data:'.length);
    if (value.startsWith(' ') && !value.startsWith('  ')) fail('a space after the colon');
    return value.startsWith(' ') ? value.slice(1) : value;
  });
  return { event, data: data.length === 0 ? null : data.join('\n'), id: last.slice('id:'.length) };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a block is, for the counts of what has happened: its event, a gap with its reason. */
export function kindOf({ event, data }: Block): string {
  if (event === 'gap') return `gap ${(JSON.parse(data!) as { reason: string }).reason}`;
  return data === null ? 'id only' : event;
}
