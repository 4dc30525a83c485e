import { describe, expect, test } from '@jest/globals';
import type { ByteSource, Receiver } from '../../app/ports/byte_source.ts';
import { within } from '../../test/support/deadline.ts';
import { DirectStream } from './direct_stream.ts';

/** Gives one byte at a time: those that it has at once, later ones when it is told. */
class Source implements ByteSource {
  isCancelled = false;
  #left: number;
  #receiver: Receiver | null = null;

  constructor(count: number) {
    this.#left = count;
  }

  next(receiver: Receiver): void {
    if (this.#receiver !== null) throw new Error('asked again before it has answered');
    if (this.#left > 0) receiver.receive(Uint8Array.of(this.#left--));
    else this.#receiver = receiver;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  give(byte: number): void {
    this.#waiting().receive(Uint8Array.of(byte));
  }

  end(): void {
    this.#waiting().end();
  }

  #waiting(): Receiver {
    const receiver = this.#receiver!;
    this.#receiver = null;
    return receiver;
  }
}

type Result = ReadableStreamReadResult<Uint8Array>;

/** As `@hono/node-server` reads. @returns what came, and the end */
function readAsNodeServer(stream: DirectStream): (number | 'end')[] {
  const reader = stream.getReader();
  const got: (number | 'end')[] = [];
  const flow = ({ done, value }: Result): void => {
    got.push(done ? 'end' : value[0]!);
    if (!done) reader.read().then(flow, fail);
  };
  const fail = (error: unknown): void => {
    throw error;
  };
  reader.read().then(flow, fail);
  return got;
}

/** A source that has three bytes, gets one more while it is read, and ends. */
function threeAndOne(): { stream: DirectStream; source: Source } {
  const source = new Source(3);
  const stream = new DirectStream(source);
  setTimeout(() => {
    source.give(9);
    setTimeout(() => source.end());
  });
  return { stream, source };
}

const ALL = [3, 2, 1, 9];

describe('DirectStream', () => {
  test('answers a reader at once, with no promise in between', () => {
    const source = new Source(2);
    const got = readAsNodeServer(new DirectStream(source));
    expect(got).toEqual([2, 1]);
    source.give(7);
    expect(got).toEqual([2, 1, 7]);
    source.end();
    expect(got).toEqual([2, 1, 7, 'end']);
  });

  test('does not end the stack where much is at hand', async () => {
    const source = new Source(100_000);
    const got = readAsNodeServer(new DirectStream(source));
    await new Promise((resolve) => setTimeout(resolve));
    expect(got).toHaveLength(100_000);
    source.end();
  });

  test('its reader tells that it closed, after the end and after cancel()', async () => {
    const { stream } = threeAndOne();
    const reader = stream.getReader();
    readAll(reader);
    await within('the reader to close', reader.closed);
    const source = new Source(0);
    const cancelled = new DirectStream(source).getReader();
    await cancelled.cancel();
    await within('the cancelled reader to close', cancelled.closed);
    expect(source.isCancelled).toBe(true);
    expect(await cancelled.read()).toEqual({ done: true, value: undefined });
  });

  test('is locked by its reader, until that lets go of it', () => {
    const stream = new DirectStream(new Source(2));
    expect([stream.locked, stream.isDirect]).toEqual([false, false]);
    const reader = stream.getReader();
    expect([stream.locked, stream.isDirect]).toEqual([true, true]);
    expect(() => stream.getReader()).toThrow(TypeError);
    reader.releaseLock();
    expect([stream.locked, stream.isDirect]).toEqual([false, false]);
  });

  test('one read may be raced against a timer, and asked again', async () => {
    const source = new Source(0);
    const read = new DirectStream(source).getReader().read();
    expect(await Promise.race([read, Promise.resolve('nothing yet')])).toBe('nothing yet');
    const again = Promise.race([read]);
    source.give(5);
    expect((await again).value).toEqual(Uint8Array.of(5));
    expect((await read).value).toEqual(Uint8Array.of(5));
  });

  const readers: Record<string, (stream: DirectStream) => Promise<number[]>> = {
    'reader.read(), awaited': (stream) => readAll(stream.getReader()),
    'reader.read(), chained': (stream) => readChained(stream.getReader()),
    'for await': async (stream) => {
      const got: number[] = [];
      for await (const value of stream) got.push(...value);
      return got;
    },
    'new Response()': async (stream) => [
      ...new Uint8Array(await new Response(stream).arrayBuffer()),
    ],
    'the body of a Response': (stream) => readAll(new Response(stream).body!.getReader()),
    'pipeThrough()': (stream) => readAll(stream.pipeThrough(new TransformStream()).getReader()),
    'tee()': (stream) => readAll(stream.tee()[0].getReader()),
  };

  test.each(Object.keys(readers))('is read by %s as any stream', async (name) => {
    const { stream } = threeAndOne();
    expect(await within(name, readers[name]!(stream))).toEqual(ALL);
  });

  test('tells its source when a reader of another kind has gone', async () => {
    const source = new Source(0);
    await new Response(new DirectStream(source)).body!.cancel();
    expect(source.isCancelled).toBe(true);
    const piped = new Source(0);
    const through = new DirectStream(piped).pipeThrough(new TransformStream());
    await within('a pipe to be cancelled', through.cancel());
    expect(piped.isCancelled).toBe(true);
  });
});

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number[]> {
  const got: number[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return got;
    got.push(...value);
  }
}

function readChained(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number[]> {
  return reader
    .read()
    .then(({ done, value }) => (done ? [] : [...value]))
    .then(async (first) =>
      first.length === 0 ? first : [...first, ...(await readChained(reader))],
    );
}
