import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Growth, within } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { listen } from './listen.ts';

type Answer = (path: string) => Response | Promise<Response>;

const opened: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
});

/** @returns the port of a server that answers so */
async function serve(answer: Answer): Promise<number> {
  const port = await freePort();
  const fetch = ({ url }: Request): Response | Promise<Response> => answer(new URL(url).pathname);
  const listener = await listen({ fetch, host: '127.0.0.1', port, certificate: null });
  opened.push(() => listener.close(0));
  return port;
}

class Client {
  text = '';
  readonly socket: Socket;
  readonly #growth = new Growth();

  constructor(port: number, request: string) {
    this.socket = connect(port, '127.0.0.1').setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.text += text;
      this.#growth.changed();
    });
    this.socket.write(request);
    opened.push(() => this.socket.destroy());
  }

  /** Settles once the kernel has all of it. */
  send(bytes: Uint8Array): Promise<void> {
    const sent = new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
    return within(`${bytes.length} bytes to be sent`, sent);
  }

  async until(what: string, isThere: () => boolean): Promise<void> {
    await this.#growth.until(() => `${what} in ${JSON.stringify(this.text.slice(-500))}`, isThere);
  }
}

/** A stream without an end. */
class Endless {
  #leave!: () => void;
  /** Settles once nobody reads it any more. */
  readonly left = new Promise<void>((resolve) => {
    this.#leave = resolve;
  });

  answer(): Response {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('retry:1\n\n')),
      cancel: () => this.#leave(),
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;
}

function answersIn(text: string): number {
  return text.split('HTTP/1.1 200').length - 1;
}

describe('Pipeline', () => {
  test('begins one request after the other, and answers all of them in order', async () => {
    const paths = Array.from({ length: 100 }, (_, n) => `/${n}`);
    let underWay = 0;
    let most = 0;
    const port = await serve(async (path) => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      return new Response(`[${path}]`);
    });
    const client = new Client(port, paths.map((path) => get(path)).join(''));
    await client.until('the last answer', () => client.text.includes('[/99]'));
    expect(client.text.match(/(?<=\[)[^\]]*/g)).toEqual(paths);
    expect(most).toBe(1);
  });

  test.each([
    ['a stream', get('/stream')],
    ['a stream that has a body', `${get('/stream', 'content-length: 4\r\n')}body`],
    ['a file and a stream', get('/file') + get('/stream')],
  ])('begins nothing that comes behind %s', async (_, first) => {
    const begun: string[] = [];
    const stream = new Endless();
    const port = await serve((path) => {
      begun.push(path);
      return path === '/file' ? new Response('file') : stream.answer();
    });
    const client = new Client(port, first + get('/behind').repeat(1000));
    await client.until('the stream', () => client.text.includes('retry:1'));
    await client.send(Buffer.from(`${get('/late')}no request\r\n\r\n`.repeat(1000)));
    client.socket.destroy();
    await within('the end of the stream', stream.left);
    expect(begun.filter((path) => !['/file', '/stream'].includes(path))).toEqual([]);
    expect(begun.filter((path) => path === '/stream')).toHaveLength(1);
  });

  test('lets who asks one after the other go before who asks for all at once', async () => {
    const port = await serve(() => new Response('it'));
    const all = new Client(port, get('/').repeat(1000));
    await all.until('the first answer', () => answersIn(all.text) > 0);
    const other = new Client(port, '');
    for (let n = 1; n <= 20; n++) {
      other.socket.write(get('/'));
      await other.until('its answer', () => answersIn(other.text) === n);
    }
    expect(answersIn(all.text)).toBeLessThan(1000);
  });

  test('notices that a client has left which has sent more than was begun', async () => {
    const stream = new Endless();
    const port = await serve(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return stream.answer();
    });
    const client = new Client(port, get('/stream').repeat(10_000));
    await client.until('the stream', () => client.text.includes('retry:1'));
    client.socket.resetAndDestroy();
    await within('the end of the stream', stream.left);
  });

  test('reads a body of GET away, and notices a reset behind it', async () => {
    const stream = new Endless();
    const port = await serve(() => stream.answer());
    const client = new Client(port, get('/stream', `content-length: ${2 ** 30}\r\n`));
    // More than buffers take on the way.
    await client.send(Buffer.alloc(16 * 2 ** 20));
    client.socket.resetAndDestroy();
    await within('the end of the stream', stream.left);
  });

  test('refuses a head that is too large, and reads the rest of it away', async () => {
    const port = await serve(() => new Response());
    const client = new Client(port, get('/', `x: ${'y'.repeat(2 ** 20)}\r\n`));
    await client.until('an answer', () => client.text.includes('\r\n\r\n'));
    expect(client.text).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('reads a body in pieces, of a kind that ends like a head, too', async () => {
    const port = await serve((path) => new Response(`[${path}]`));
    const body = 'POST /within HTTP/1.1\r\n\r\n'.repeat(100);
    const post = `POST /post HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const client = new Client(port, post + get('/behind'));
    await client.until('two answers', () => client.text.includes('[/behind]'));
    expect(answersIn(client.text)).toBe(2);
  });
});

describe('listen', () => {
  test.each([
    ['HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['a Host with an empty port', 'GET / HTTP/1.1\r\nHost: localhost:\r\n\r\n'],
    ['a Host of IPv6 with an empty port', 'GET / HTTP/1.1\r\nHost: [::1]:\r\n\r\n'],
  ])('takes %s', async (_, request) => {
    const client = new Client(await serve(() => new Response('it')), request);
    await client.until('the answer', () => client.text.endsWith('it'));
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
  });
});
