import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import {
  answers,
  cleanups,
  output,
  serve,
  start,
  status,
  stream,
} from '../test/support/sse_cat_run.ts';

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

describe('run() --until-live', () => {
  test('ends with 0 once all has come that was there, and not with a cut before it', async () => {
    const { url, requests } = await answers(
      stream('data:1\nid:1\n\n'),
      stream('data:2\nid:2\n\nevent:live\ndata:{}\nid:2\n\n'),
      stream('data:3\n\n'),
    );
    const { code, stdout } = await output('--until-live', url);
    expect([code, stdout]).toEqual([0, '1\n2\n']);
    expect(requests.map((request) => [request.url, request.headers['last-event-id']])).toEqual([
      ['/events?until=live', undefined],
      ['/events?until=live', '1'],
    ]);
  });

  test('ends by itself where the server does not know how, with what it was asked to print', async () => {
    const { url } = await answers((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data:{"key":"a"}\nid:1\n\nevent:live\ndata:{}\nid:1\n\ndata:{}\nid:2\n\n');
    });
    const { code, stdout } = await output('--until-live', '--json', url);
    expect([code, stdout.split('\n').map((line) => line && JSON.parse(line).event)]).toEqual([
      0,
      ['message', 'live', ''],
    ]);
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
