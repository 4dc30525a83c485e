import { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { nextTick } from 'node:process';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../app/config/config.ts';
import { createGateway } from '../../app/gateway.ts';
import { CountedSlots } from '../../app/http/stream_slots.ts';
import type { RecordSource, TopicQuestions } from '../../app/ports/source.ts';
import { Growth } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { listen } from './listen.ts';
import { StreamResponse } from './stream_response.ts';

type Fetch = ReturnType<typeof createGateway>['fetch'];

/** Brokers that know no topic: its streams open, and have heartbeats. */
const NO_TOPIC_KNOWN: TopicQuestions = {
  describe: () => Promise.resolve(null),
  offsets: () => Promise.resolve(new Map()),
};
const NO_TOPIC: RecordSource = {
  ...NO_TOPIC_KNOWN,
  forClients: NO_TOPIC_KNOWN,
  async *read() {},
  status: () => ({ up: true, error: null }),
  close: () => Promise.resolve(),
};

const opened: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
});

/** A gateway on a port. @param change what becomes of its handler */
async function serve(change: (fetch: Fetch) => Fetch = (fetch) => fetch): Promise<number> {
  const config = { ...parseConfig({ TOPICS: 'events' }), heartbeatSeconds: 0.05 };
  const file = { type: 'text/html', etag: '"1"', bytes: new Uint8Array(9) };
  const gateway = createGateway(config, NO_TOPIC, new Map([['/', file]]), new CountedSlots(config));
  const port = await freePort();
  const fetch = change(gateway.fetch);
  const listener = await listen({ fetch, host: '127.0.0.1', port, certificate: null });
  opened.push(() => listener.close(0));
  return port;
}

class Connection {
  text = '';
  readonly #socket: Socket;
  readonly #growth = new Growth();

  constructor(port: number, request: string) {
    this.#socket = connect(port, '127.0.0.1').setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.text += text;
      this.#growth.changed();
    });
    this.#socket.write(request);
    opened.push(() => this.#socket.destroy());
  }

  async until(what: string, isThere: () => boolean): Promise<void> {
    await this.#growth.until(() => `${what} in ${JSON.stringify(this.text)}`, isThere);
  }
}

const STREAM = 'GET /events HTTP/1.1\r\nhost: x\r\n\r\n';

/** Head and body of a stream, once it has had some heartbeats. */
async function openStream(port: number): Promise<{ head: string; body: string }> {
  const connection = new Connection(port, STREAM);
  await connection.until('three heartbeats', () => connection.text.split(':\n\n').length > 3);
  const [head, body] = connection.text.split('\r\n\r\n', 2) as [string, string];
  return { head: head.toLowerCase(), body };
}

/** A chunk a block. */
const CHUNKS = /^c\r\nretry:\d{4}\n\n\r\n(3\r\n:\n\n\r\n)+$/;

describe('listen()', () => {
  test('sends a stream from its source, and does not read its body, middleware and all', async () => {
    const responses: Response[] = [];
    const port = await serve((fetch) => async (...args) => {
      const response = await fetch(...args);
      responses.push(response);
      return response;
    });
    expect((await openStream(port)).body).toMatch(CHUNKS);
    const [{ body }] = responses as [Response];
    expect(body).toBeInstanceOf(ReadableStream);
    expect(body!.locked).toBe(false);
  });

  const others: Record<string, (response: Response) => Response> = {
    'a native Response': (response) =>
      new (Object.getPrototypeOf(Response))(response.body, response),
    'a stream made of the stream': (response) =>
      new Response(response.body!.pipeThrough(new TransformStream()), response),
  };

  test.each(Object.keys(others))('sends the same from %s', async (name) => {
    const change = others[name]!;
    const port = await serve(
      (fetch) =>
        async (...args) =>
          change(await fetch(...args)),
    );
    expect((await openStream(port)).body).toMatch(CHUNKS);
  });
});

/** A stream whose head was flushed, and what its socket was told to write. */
function flushedHead(): { response: StreamResponse<IncomingMessage>; writes: string[] } {
  const writes: string[] = [];
  const socket = new Duplex({
    read() {},
    writev(parts, done) {
      writes.push(parts.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  }) as Socket;
  const version = { httpVersionMajor: 1, httpVersionMinor: 1 };
  const response = new StreamResponse(Object.assign(new IncomingMessage(socket), version));
  response.assignSocket(socket);
  response.prepare(new Response(null, { headers: { 'content-type': 'text/event-stream' } }));
  response.writeHead(200);
  response.flushHeaders();
  return { response, writes };
}

const endOfTick = (): Promise<void> => new Promise((resolve) => nextTick(resolve));

describe('StreamResponse', () => {
  test('sends its head and the bytes that are at hand in one write', async () => {
    const { response, writes } = flushedHead();
    response.write(Buffer.from('a'));
    response.write(Buffer.from('bc'));
    await endOfTick();
    expect(writes).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n1\r\na\r\n2\r\nbc\r\n$/),
    ]);
    response.write(Buffer.from('d'));
    expect(writes.slice(1)).toEqual(['1\r\nd\r\n']);
  });

  test('sends its head alone where no bytes are at hand', async () => {
    const { writes } = flushedHead();
    await endOfTick();
    expect(writes).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/)]);
  });

  test('sends a stream in chunks, on a connection that ends with it', async () => {
    const { head, body } = await openStream(await serve());
    expect(head).toContain('connection: close');
    expect(head).toContain('transfer-encoding: chunked');
    expect(head).not.toContain('content-length');
    expect(body).toMatch(CHUNKS);
  });

  test('frames what is small and what is large', async () => {
    const pieces = [1, 16 * 1024, 16 * 1024 + 1, 0, 100_000, 2].map((size) => 'x'.repeat(size));
    const port = await serve(() => () => {
      const [first = '', ...rest] = pieces.map((text) => new TextEncoder().encode(text));
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(first),
        pull: (controller) => {
          const next = rest.shift();
          if (next === undefined) controller.close();
          else controller.enqueue(next);
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect((await response.text()) === pieces.join('')).toBe(true);
  });

  test('sends a stream to HTTP/1.0 without chunks', async () => {
    const connection = new Connection(await serve(), 'GET /events HTTP/1.0\r\nhost: x\r\n\r\n');
    await connection.until('two heartbeats', () => connection.text.endsWith(':\n\n:\n\n'));
    expect(connection.text.toLowerCase()).not.toContain('transfer-encoding');
    expect(connection.text).toMatch(/\r\n\r\nretry:\d{4}\n\n(:\n\n)+$/);
  });

  test('leaves other answers and HEAD as they are', async () => {
    const port = await serve();
    const head = 'HEAD /events HTTP/1.1\r\nhost: x\r\n\r\n';
    const connection = new Connection(port, head + 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2));
    await connection.until('three answers', () => connection.text.split('200 OK').length === 4);
    expect(connection.text).toContain('content-length: 9');
    expect(connection.text.toLowerCase()).not.toContain('connection: close');
  });

  test('waits for those before it on its connection', async () => {
    const connection = new Connection(
      await serve(),
      `GET /-/topics HTTP/1.1\r\nhost: x\r\n\r\n${STREAM}`,
    );
    await connection.until('a heartbeat', () => connection.text.includes(':\n\n\r\n3\r\n:\n\n'));
    expect(connection.text).toMatch(/^HTTP[\s\S]*"topics"[\s\S]*HTTP[\s\S]*\r\n\r\nc\r\nretry:/);
  });
});
