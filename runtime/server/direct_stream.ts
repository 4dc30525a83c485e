import { PULL_ONLY, pulledFrom } from '../../app/http/stream_body.ts';
import type { ByteSource, Receiver } from '../../app/ports/byte_source.ts';

/** How many reads may be answered within each other before the stack is let go. */
const MAX_DEPTH = 100;

type Result = ReadableStreamReadResult<Uint8Array>;

/**
 * A `ReadableStream` whose reader is answered without a promise: an event that goes to a thousand
 * clients would make some three thousand of them, a third of what its delivery costs.
 *
 * `@hono/node-server` takes the body of a response for a stream where it has `getReader`, and asks
 * with `reader.read().then(onValue, onError)`. This `getReader` gives a reader whose `read` is no
 * promise but has that `then`, and calls `onValue` as soon as there are bytes: the loop of a
 * delivery is source, `onValue`, `response.write`, next `read`. Who reads in another way (Deno, a
 * native `Response`, `pipeThrough`, `for await`) reads the stream that it is as well.
 */
export class DirectStream extends ReadableStream<Uint8Array> {
  readonly #source: ByteSource;
  #reader: DirectReader | null = null;

  constructor(source: ByteSource) {
    super(pulledFrom(source), PULL_ONLY);
    this.#source = source;
  }

  /** Whether a reader is answered without promises. */
  get isDirect(): boolean {
    return this.#reader !== null;
  }

  override get locked(): boolean {
    return this.isDirect || super.locked;
  }

  override getReader(options: { mode: 'byob' }): ReadableStreamBYOBReader;
  override getReader(): ReadableStreamDefaultReader<Uint8Array>;
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Uint8Array>;
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Uint8Array> {
    if (options?.mode !== undefined) return super.getReader(options);
    if (this.locked) throw new TypeError('The stream is read already');
    this.#reader = new DirectReader(this.#source, () => {
      this.#reader = null;
    });
    return this.#reader;
  }
}

class DirectReader implements ReadableStreamDefaultReader<Uint8Array> {
  readonly closed: Promise<undefined>;
  readonly #source: ByteSource;
  readonly #release: () => void;
  #close!: (value: undefined) => void;
  #isClosed = false;
  /** How many of its reads are being answered within each other. */
  depth = 0;

  constructor(source: ByteSource, release: () => void) {
    this.#source = source;
    this.#release = release;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  read(): Promise<Result> {
    const read = new Read(this);
    if (this.#isClosed) read.end();
    else this.#source.next(read);
    // Its `then` is all that is asked for; the rest of a promise is made on demand.
    return read as unknown as Promise<Result>;
  }

  cancel(): Promise<void> {
    if (!this.#isClosed) this.#source.cancel();
    this.close();
    return Promise.resolve();
  }

  releaseLock(): void {
    this.#release();
  }

  close(): void {
    this.#isClosed = true;
    this.#close(undefined);
  }
}

/** The types of Deno let the value be left out, those of browsers let it be undefined. */
const END = { done: true, value: undefined } as unknown as Result;

/** The answer to one `read`. It is kept: who races it against a timer asks for it twice. */
class Read implements Receiver {
  readonly #reader: DirectReader;
  #result: Result | null = null;
  #onValue: ((result: Result) => void) | null = null;
  /** Those who asked after the first one. */
  #others: ((result: Result) => void)[] | null = null;

  constructor(reader: DirectReader) {
    this.#reader = reader;
  }

  receive(value: Uint8Array): void {
    this.#settle({ done: false, value });
  }

  end(): void {
    this.#settle(END);
    this.#reader.close();
  }

  // biome-ignore lint/suspicious/noThenProperty: what makes it awaitable
  then(onValue: (result: Result) => void, onError?: (error: unknown) => void): unknown {
    // Who gives one function chains on what comes back, and gets a promise.
    if (onError === undefined) return this.#promise().then(onValue);
    if (this.#result !== null) this.#tell(onValue, this.#result);
    else if (this.#onValue === null) this.#onValue = onValue;
    else {
      this.#others ??= [];
      this.#others.push(onValue);
    }
    return undefined;
  }

  #settle(result: Result): void {
    this.#result = result;
    if (this.#onValue !== null) this.#onValue(result);
    if (this.#others !== null) for (const onValue of this.#others) onValue(result);
  }

  #tell(onValue: (result: Result) => void, result: Result): void {
    const reader = this.#reader;
    if (reader.depth >= MAX_DEPTH) {
      queueMicrotask(() => onValue(result));
      return;
    }
    reader.depth++;
    try {
      onValue(result);
    } finally {
      reader.depth--;
    }
  }

  #promise(): Promise<Result> {
    return new Promise((resolve, reject) => this.then(resolve, reject));
  }
}
