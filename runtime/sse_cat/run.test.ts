import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { run } from './run.mjs';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server on a free port; `requests` are those it has seen. */
async function serve(listener: RequestListener) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, requests };
}

/** Answers the nth request with the nth of these, and 204 when they are used up. */
function answers(...each: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  let next = 0;
  return serve((request, response) => {
    const answer = each[next++];
    if (answer === undefined) response.writeHead(204).end();
    else answer(response, request);
  });
}

/** A response with this much of a stream, then the end of the connection. */
function stream(text: string) {
  return (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry:100\n\n${text}`, () => response.destroy());
  };
}

function status(code: number, headers: Record<string, string> = {}, body = '') {
  return (response: ServerResponse) => response.writeHead(code, headers).end(body);
}

class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.text += chunk;
    this.emit('text');
    done();
  }
  async waitFor(text: string): Promise<void> {
    const signal = AbortSignal.timeout(10_000);
    while (!this.text.includes(text)) {
      await once(this, 'text', { signal }).catch(() => {
        throw new Error(`waited 10 s for ${JSON.stringify(text)} in ${JSON.stringify(this.text)}`);
      });
    }
  }
}

/** The command, running; `ended` is its exit code. */
function start(argv: string[], { stdout = new Sink() as Writable, isTTY = false } = {}) {
  const stderr = new Sink(isTTY);
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  const { signal } = stop;
  const running = run({ argv, env: {}, stdout, stderr, version: '1.2.3', signal });
  const late = delay(20_000, undefined, { ref: false }).then(() => {
    throw new Error('waited 20 s for the end of sse-cat');
  });
  return { stdout: stdout as Sink, stderr, stop, ended: Promise.race([running, late]) };
}

/** The command until its end. */
async function output(...argv: string[]) {
  const { stdout, stderr, ended } = start(argv);
  const code = await ended;
  return { code, stdout: stdout.text, stderr: stderr.text };
}

describe('run() prints', () => {
  test('the data of message events, a newline after each', async () => {
    const { url } = await answers(
      stream(
        'data:a\nid:1\n\nevent:delete\ndata:Sw==\n\ndata:\n\nevent:message\ndata:é\ndata:  🚀\n\n',
      ),
    );
    expect(await output(url)).toEqual({ code: 0, stdout: 'a\n\né\n 🚀\n', stderr: '' });
  });

  test('a character that the network has cut', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const bytes = Buffer.from('data:🚀\n\n');
      response.write(bytes.subarray(0, 7));
      setTimeout(() => response.end(bytes.subarray(7)), 50);
    });
    expect((await output(url)).stdout).toBe('🚀\n');
  });

  test('events of the names asked for instead', async () => {
    const { url } = await answers(stream('data:a\n\nevent:x\ndata:b\n\nevent:y\ndata:c\n\n'));
    expect((await output('--event', 'x', '--event=y', url)).stdout).toBe('b\nc\n');
  });

  test('a gap as one line on stderr, without control characters', async () => {
    const { url } = await answers(
      stream(
        'event:gap\ndata:{"reason":"retention",\ndata:"topic":"\u001b[2J"}\nid:5\n\ndata:a\n\n',
      ),
    );
    expect(await output(url)).toEqual({
      code: 0,
      stdout: 'a\n',
      stderr: 'sse-cat: gap {"reason":"retention", "topic":" [2J"}\n',
    });
  });

  test('several streams at once', async () => {
    const one = await answers(stream('data:1\n\n'));
    const two = await answers(status(404));
    const three = await answers(stream('data:3\n\n'));
    const { code, stdout, stderr } = await output(one.url, two.url, three.url);
    expect(stdout.split('\n').sort()).toEqual(['', '1', '3']);
    expect(stderr).toContain(`${two.url}: 404`);
    expect(code).toBe(1);
  });

  test('each event at once, while the stream stays open', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data:now\n\n');
    });
    const { stdout, stop, ended, stderr } = start([url]);
    await stdout.waitFor('now\n');
    stop.abort();
    expect(await ended).toBe(0);
    expect(stderr.text).toBe('');
  });
});

describe('run() with --json prints', () => {
  const record =
    '{"partition":0,"offset":5,"key":"1","value":"a\\n\\u2028🚀","headers":[["e",null]]}';

  test('topic, id and event before the members of the data, a line each', async () => {
    const gap = '{"reason":"retention","topic":"events","partitions":[]}';
    const { url, requests } = await answers(
      stream(
        `data:${record}\nid:1\n\nevent:delete\ndata:{"key":"k","value":null}\nid:2\n\nevent:gap\ndata:${gap}\nid:3\n\nevent:live\ndata:{}\n\n`,
      ),
    );
    const { code, stdout, stderr } = await output('--json', url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `{"topic":"events","id":"1","event":"message",${JSON.stringify(JSON.parse(record)).slice(1)}`,
      '{"topic":"events","id":"2","event":"delete","key":"k","value":null}',
      '{"topic":"events","id":"3","event":"gap","reason":"retention","partitions":[]}',
      '{"topic":"events","id":"3","event":"live"}',
      '',
    ]);
    expect(requests[0]!.url).toBe('/events?format=json');
  });

  test('the events asked for alone, and tells of a gap on stderr then', async () => {
    const { url } = await answers(stream('event:gap\ndata:{}\n\nevent:live\ndata:{}\n\n'));
    expect(await output('--json', '--event', 'live', url)).toEqual({
      code: 0,
      stdout: '{"topic":"events","id":"","event":"live"}\n',
      stderr: 'sse-cat: gap {}\n',
    });
  });

  test.each(['a\ndata:b', '[1]', '7', 'null', '{'])(
    'what is no JSON object as data: %j',
    async (data) => {
      const { url } = await answers(stream(`data:${data}\n\n`));
      const { stdout } = await output('--json', url);
      expect(JSON.parse(stdout).data).toBe(data.replace('\ndata:', '\n'));
    },
  );

  test('the topic as the last part of the path has it', async () => {
    const { url } = await answers(stream('data:{}\n\n'));
    const { stdout } = await output('--json', `${url.replace('events', 'a/b%20c')}`);
    expect(JSON.parse(stdout).topic).toBe('b c');
  });
});

describe('run() ends early', () => {
  test('with 0 after so many events as --max says, and not one more', async () => {
    const { url, requests } = await answers(
      stream('data:1\nid:1\n\n'),
      stream('event:x\ndata:no\n\ndata:2\n\ndata:3\n\ndata:4\n\n'),
    );
    expect(await output('--max', '3', url)).toEqual({ code: 0, stdout: '1\n2\n3\n', stderr: '' });
    expect(requests).toHaveLength(2);
  });

  test('with 0 after --max events of all streams together', async () => {
    const forever = Array.from({ length: 5 }, () => stream('data:x\n\n'));
    const [one, two] = [await answers(...forever), await answers(...forever)];
    expect(await output('--max', '4', one.url, two.url)).toEqual({
      code: 0,
      stdout: 'x\n'.repeat(4),
      stderr: '',
    });
  });

  test('with 1 when --timeout has passed without a printed event', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data:a\n\n');
      const beat = setInterval(() => response.write(':\n\nevent:x\ndata:b\n\n'), 20);
      cleanups.push(() => clearInterval(beat));
    });
    expect(await output('--timeout', '0.3', url)).toEqual({
      code: 1,
      stdout: 'a\n',
      stderr: 'sse-cat: there was nothing to print for 0.3 s (--timeout)\n',
    });
  });

  test('not by --timeout while events come', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const beat = setInterval(() => response.write('data:a\n\n'), 50);
      cleanups.push(() => clearInterval(beat));
    });
    const { stdout, ended } = start(['--timeout', '2', '--max', '60', url]);
    expect(await ended).toBe(0);
    expect(stdout.text).toBe('a\n'.repeat(60));
  });
});

test('run() prints whole lines of several streams, however they are cut', async () => {
  const letters = ['a', 'b', 'c'];
  const servers = await Promise.all(
    letters.map((letter) =>
      answers(async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('retry:100\n\n');
        const text = `data:${letter.repeat(1000)}\n\n`.repeat(300);
        for (let at = 0; at < text.length; at += 777) {
          response.write(text.slice(at, at + 777));
          if (at % 20 === 0) await delay(1);
        }
        response.end();
      }),
    ),
  );
  const { stdout } = await output(...servers.map(({ url }) => url));
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(900);
  expect([...new Set(lines)].sort()).toEqual(letters.map((letter) => letter.repeat(1000)));
});

describe('run() comes back', () => {
  test('with the last id whose block had ended', async () => {
    const { url, requests } = await answers(
      stream('data:a\nid:1\n\ndata:b\nid:2\n'),
      stream('data:b\nid:2\n\nda'),
      stream(''),
    );
    expect((await output(url)).stdout).toBe('a\nb\n');
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      '1',
      '2',
      '2',
    ]);
    expect(requests[0]!.headers.accept).toBe('text/event-stream');
  });

  test('with the id of a block without data', async () => {
    const { url, requests } = await answers(stream('data:a\nid:1\n\nid:2\n\n'), stream('id\n\n'));
    await output(url);
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      '2',
      undefined,
    ]);
  });

  test('with an id that is no ASCII as UTF-8', async () => {
    const { url, requests } = await answers(stream('data:a\nid:é🚀\n\n'));
    await output(url);
    const received = requests[1]!.headers['last-event-id'] as string;
    expect(Buffer.from(received, 'latin1').toString()).toBe('é🚀');
  });

  test('after 429, 5xx, a redirect and a cut, quietly', async () => {
    const { url, requests } = await answers(
      stream('data:a\nid:1\n\n'),
      status(503, { 'retry-after': '0' }),
      status(307, { location: '/moved' }),
      status(429, { 'retry-after': new Date(Date.now() - 1000).toUTCString() }),
      (response) => response.destroy(),
      status(500),
      stream('data:b\nid:2\n\n'),
    );
    expect(await output(url)).toEqual({ code: 0, stdout: 'a\nb\n', stderr: '' });
    expect(requests.map(({ headers }) => headers['last-event-id']).join()).toBe(',1,1,1,1,1,1,2');
  });

  test('not before Retry-After and retry: allow it', async () => {
    const { url } = await answers(stream('data:a\n\n'), status(503, { 'retry-after': '7' }));
    const { stderr } = start([url], { isTTY: true });
    await stderr.waitFor('503');
    const waits = [...stderr.text.matchAll(/trying again in ([\d.]+) s/g)].map(([, s]) =>
      Number(s),
    );
    expect(waits).toHaveLength(2);
    expect(waits[0]).toBeLessThan(0.2);
    expect(waits[1]).toBeGreaterThanOrEqual(7);
    expect(waits[1]).toBeLessThan(10);
  });

  test('after a retry: that no timer can hold, as if it were an hour', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('retry:99999999999999999999\n\n');
    });
    const { stderr, stop, ended } = start([url], { isTTY: true });
    await stderr.waitFor('the stream ended; trying again in');
    expect(Number(stderr.text.match(/in ([\d.]+) s/)![1])).toBeGreaterThanOrEqual(3600);
    stop.abort();
    expect(await ended).toBe(0);
  });

  test('from a server that is silent for as long as --heartbeat-timeout says', async () => {
    const silent = (text: string) => (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`retry:100\n\n${text}`);
    };
    const { url, requests } = await answers(silent('data:a\nid:1\n\n'), silent('data:b\n\n'));
    const { stdout } = await output('--heartbeat-timeout', '300', url);
    expect(stdout).toBe('a\nb\n');
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1']);
  });

  test('quietly with --quiet, on a terminal too', async () => {
    const { url } = await answers(status(503), stream('data:a\n\n'), status(404));
    const { stderr, ended } = start(['--quiet', url], { isTTY: true });
    expect(await ended).toBe(1);
    expect(stderr.text).toMatch(/^sse-cat: \S+ 404 .*\n$/);
  });

  test('to a server that is not there yet, and says so once', async () => {
    const { url } = await serve((_, response) => response.end());
    cleanups.pop()!();
    const { stderr, stop, ended } = start([url]);
    await stderr.waitFor('; trying again in');
    expect(stderr.text).toContain('ECONNREFUSED');
    stop.abort();
    expect(await ended).toBe(0);
    expect(stderr.text.match(/\n/g)).toHaveLength(1);
  });
});

describe('run() ends', () => {
  test('with 1 and one line at another 4xx', async () => {
    const { url } = await answers(
      status(400, { 'content-type': 'text/plain' }, 'since takes a time\nmore\u001b'),
    );
    expect(await output(url)).toEqual({
      code: 1,
      stdout: '',
      stderr: `sse-cat: ${url}: 400 Bad Request (since takes a time): check the URL, its path and its query\n`,
    });
  });

  test.each([
    [401, 'text/html', "--header 'Authorization: …'"],
    [200, 'text/html', 'no event stream (its type is text/html)'],
    [200, 'text/event-streams', 'no event stream'],
    [302, 'text/html', '302 Found'],
  ])('with 1 at %i %s', async (code, type, words) => {
    const { url } = await answers(status(code, { 'content-type': type }, '<p>'));
    const result = await output(url);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(words);
  });

  test('with 1 at a stream that is compressed', async () => {
    const head = { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' };
    const { url } = await answers(status(200, head, 'x'));
    const { code, stderr } = await output(url);
    expect(code).toBe(1);
    expect(stderr).toContain('compressed (gzip)');
  });

  test('with 1 at a redirect that never ends', async () => {
    const { url, requests } = await serve((_, response) =>
      response.writeHead(302, { location: '/events' }).end(),
    );
    expect((await output(url)).code).toBe(1);
    expect(requests).toHaveLength(11);
  });

  test('with 1 at an id that no header can carry', async () => {
    const { url } = await answers(stream('data:a\nid:\u0001\n\n'));
    const { code, stderr, stdout } = await output(url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'a\n' });
    expect(stderr).toContain(
      'cannot be sent (Invalid character in header content ["last-event-id"])',
    );
  });

  test('with 1 when stdout cannot be written', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(new Error('ENOSPC: no space left on device')),
    });
    const { url } = await answers(stream('data:a\n\n'));
    const { ended, stderr } = start([url], { stdout });
    expect(await ended).toBe(1);
    expect(stderr.text).toBe('sse-cat: cannot write to stdout: ENOSPC: no space left on device\n');
  });

  test('with 2 and one line when the command line is wrong', async () => {
    const stderr =
      'sse-cat: no URL given, expected one like http://localhost:8080/events (see sse-cat --help)\n';
    expect(await output()).toEqual({ code: 2, stdout: '', stderr });
  });

  test('with 0 after --help and --version', async () => {
    expect((await output('--help')).stdout).toContain('Usage: sse-cat');
    expect(await output('-V')).toEqual({ code: 0, stdout: 'sse-cat 1.2.3\n', stderr: '' });
  });
});

test('run() sends the headers asked for, a starting id too', async () => {
  const { url, requests } = await answers(stream('data:a\nid:2\n\n'));
  await output('--header', 'Last-Event-ID: 1', '--header=X-A:  b:c ', '--header', 'x-a: d', url);
  expect(requests[0]!.headers).toMatchObject({ 'last-event-id': '1', 'x-a': 'b:c, d' });
  expect(requests[1]!.headers).toMatchObject({ 'last-event-id': '2', 'x-a': 'b:c, d' });
});

test('run() follows a redirect, and takes no secret to another origin', async () => {
  const secret = ['--header', 'Authorization: secret', '--header', 'Cookie: a', '--header', 'X: y'];
  const other = await answers(stream('data:a\n\n'));
  const { url, requests } = await answers(
    status(302, { location: '/there' }),
    status(307, { location: other.url }),
  );
  await output(...secret, url);
  expect(requests[1]!.url).toBe('/there');
  expect(requests[1]!.headers).toMatchObject({ authorization: 'secret', cookie: 'a', x: 'y' });
  expect(other.requests[0]!.headers).toMatchObject({ x: 'y' });
  expect(other.requests[0]!.headers).not.toHaveProperty('authorization');
  expect(other.requests[0]!.headers).not.toHaveProperty('cookie');
});
