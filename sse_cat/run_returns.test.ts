import type { ServerResponse } from 'node:http';
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

describe('run() comes back', () => {
  test('tells of a gateway that hears nothing from Kafka on a terminal alone, and stays there', async () => {
    const { url } = await answers(
      stream('data:a\nid:1\n\nevent:stale\ndata:{"since":5}\n\nevent:fresh\ndata:{}\n\n'),
    );
    const { stderr, ended } = start([url], { isTTY: true });
    await stderr.waitFor('sse-cat: stale {"since":5}\nsse-cat: fresh {}\n');
    expect(await ended).toBe(0);
    const piped = start([(await answers(stream('event:stale\ndata:{"since":5}\n\n'))).url]);
    expect([await piped.ended, piped.stderr.text]).toEqual([0, '']);
  });

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

  test('with the id of a place, which is printed in no form', async () => {
    const place = 'event:place\ndata:{}\nid:2\n\n';
    for (const form of [[], ['--json']]) {
      const { url, requests } = await answers(stream(`data:1\nid:1\n\n${place}`), stream(''));
      expect((await output(...form, url)).stdout).not.toContain('{}');
      expect(requests[1]!.headers['last-event-id']).toBe('2');
    }
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
