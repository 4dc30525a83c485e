import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ByteSource, Receiver } from '../../app/ports/byte_source.ts';
import { within } from '../../test/support/deadline.ts';
import { sendStream } from './send_stream.ts';
import { StreamResponse } from './stream_response.ts';

/** Has the given pieces at once, later ones when it is told. */
class Source implements ByteSource {
  readonly cancelled: Promise<void>;
  cancels = 0;
  readonly #pieces: Uint8Array[];
  #receiver: Receiver | null = null;
  #tell!: () => void;

  constructor(...pieces: Uint8Array[]) {
    this.#pieces = pieces;
    this.cancelled = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  next(receiver: Receiver): void {
    if (this.#receiver !== null) throw new Error('asked again before it has answered');
    const piece = this.#pieces.shift();
    if (piece === undefined) this.#receiver = receiver;
    else receiver.receive(piece);
  }

  cancel(): void {
    this.cancels++;
    this.#tell();
  }

  give(piece: Uint8Array): void {
    this.#waiting().receive(piece);
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

const HEAD = { 'content-type': 'text/event-stream' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Answers a request with what a source has. @returns what comes, as it comes */
async function open(source: ByteSource, headers: HeadersInit = HEAD) {
  const server = createAdaptorServer({
    fetch: (_, env) => {
      const { outgoing } = env as HttpBindings;
      const response = new Response(null, { headers });
      if (outgoing instanceof StreamResponse) outgoing.prepare(response);
      sendStream(outgoing, response, source);
      return RESPONSE_ALREADY_SENT;
    },
    createServer,
    serverOptions: { ServerResponse: StreamResponse },
  });
  closers.push(() => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const asked = request({ port, host: '127.0.0.1' }).end();
  closers.push(() => asked.destroy());
  const answer = new Promise<IncomingMessage>((done) => {
    asked.once('response', done);
  });
  return within('the head', answer);
}

async function textOf(answer: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const piece of answer) text += piece.toString();
  return text;
}

describe('sendStream()', () => {
  test('sends what is there at once, what comes later, and the end', async () => {
    const source = new Source(bytes('a'), bytes('b'));
    const answer = await open(source);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    source.give(bytes('c'));
    source.end();
    expect(await within('the end', textOf(answer))).toBe('abc');
    expect(source.cancels).toBe(0);
  });

  test('sends every cookie of the head', async () => {
    const cookies = ['a=1; Path=/', 'b=2; Path=/'];
    const headers = [...Object.entries(HEAD), ...cookies.map((one) => ['set-cookie', one])];
    const answer = await open(new Source(bytes('a')), headers as [string, string][]);
    expect(answer.headers['set-cookie']).toEqual(cookies);
  });

  test('asks for no more than the client takes, and goes on once it does', async () => {
    const count = 500;
    const piece = new Uint8Array(64 * 1024).fill(97);
    let given = 0;
    let isWaiting = false;
    const source: ByteSource = {
      next: (receiver) => {
        if (given === count) {
          receiver.end();
          return;
        }
        given++;
        isWaiting = true;
        receiver.receive(piece);
        isWaiting = false;
      },
      cancel: () => {},
    };
    const answer = await open(source);
    answer.pause();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBeLessThan(count);
    expect(isWaiting).toBe(false);
    let length = 0;
    answer.on('data', (part: Buffer) => {
      length += part.length;
    });
    answer.resume();
    await within('all of it', new Promise((done) => answer.once('end', done)));
    expect(length).toBe(count * piece.length);
  });

  test('does not end the stack where much is at hand', async () => {
    const pieces = Array.from({ length: 50_000 }, () => bytes('x'));
    const source = new Source(...pieces);
    const written: Uint8Array[] = [];
    const outgoing = {
      destroyed: false,
      writeHead: () => {},
      flushHeaders: () => {},
      on: () => {},
      write: (piece: Uint8Array) => written.push(piece) > 0,
    };
    sendStream(outgoing as unknown as ServerResponse, new Response(null), source);
    expect(written).toHaveLength(50_000);
  });

  test('tells the source, once, that its client has left', async () => {
    const source = new Source(bytes('a'));
    const answer = await open(source);
    answer.destroy();
    await within('the source to be told', source.cancelled);
    expect(source.cancels).toBe(1);
  });

  test('tells the source of a client that had left before', () => {
    const source = new Source(bytes('a'));
    const outgoing = { destroyed: true } as ServerResponse;
    sendStream(outgoing, new Response(null), source);
    expect(source.cancels).toBe(1);
  });
});
