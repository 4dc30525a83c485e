import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Growth } from './deadline.ts';
import { connectRaw } from './raw_exchange.ts';

/** Types of frames: https://www.rfc-editor.org/rfc/rfc9113#section-6. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A frame, right or wrong. `length`: what it says instead of the truth. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** The head of a GET, in HPACK without its tables. */
export function getHead(path: string): Buffer {
  const literal = (index: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([index, text.length]), Buffer.from(text)]);
  // :method GET, :scheme https, :path, :authority
  return Buffer.concat([
    Buffer.from([0x82, 0x87]),
    literal(0x04, path),
    literal(0x01, 'localhost'),
  ]);
}

/** A connection of HTTP/2 on which frames are sent as they are given. */
export class H2Frames implements AsyncDisposable {
  /** Types of the frames that came. */
  readonly types: number[] = [];
  /** Code of the first GOAWAY or RST_STREAM. */
  code: number | null = null;
  isOver = false;
  readonly #socket: Socket;
  readonly #growth = new Growth();
  #rest: Buffer = Buffer.alloc(0);

  /** With preface and settings, unless another start is given. */
  static async open(
    origin: string,
    start: Uint8Array = Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]),
  ): Promise<H2Frames> {
    const frames = new H2Frames(await connectRaw(origin, 'h2'));
    frames.send(start);
    return frames;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('close', () => {
      this.isOver = true;
      this.#growth.changed();
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    if (!this.isOver) this.#socket.write(Buffer.concat(frames));
  }

  /** Takes nothing more from the socket. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until all that was sent is taken, or the connection is over. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOver) resolve();
      else this.#socket.write('', () => resolve());
    });
  }

  /** Waits until the connection is refused: by GOAWAY, RST_STREAM or its end. */
  refused(what: string): Promise<boolean> {
    const label = (): string => `a refusal of ${what}; frames came: ${this.types.join()}`;
    return this.#growth.until(label, () => this.isOver || this.code !== null);
  }

  /** Waits for the connection's end. */
  over(what: string): Promise<boolean> {
    const label = (): string => `the end of a connection after ${what}`;
    return this.#growth.until(label, () => this.isOver);
  }

  /** Waits for a frame of this type, or the end. */
  answered(what: string, type: number): Promise<boolean> {
    const label = (): string => `an answer to ${what}; frames came: ${this.types.join()}`;
    return this.#growth.until(label, () => this.isOver || this.types.includes(type));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      const type = this.#rest[3]!;
      this.types.push(type);
      if (type === FRAME.GOAWAY) this.code ??= this.#rest.readUInt32BE(13);
      if (type === FRAME.RST_STREAM) this.code ??= this.#rest.readUInt32BE(9);
      this.#rest = this.#rest.subarray(9 + length);
    }
    this.#growth.changed();
  }
}
