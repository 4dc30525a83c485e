import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type Answer, curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { Gateway, kafka } from './face.ts';

/** What an outsider has no business to know. */
const INSIDE = /node_modules|\.[jt]s:\d|at .* \(|\/work|\/root|dist\/|Error:|hono|node\/|rdkafka/i;

/** Sends these bytes over plain TCP. @returns what came until the end */
async function sendRaw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), 'localhost');
  let got = '';
  socket.on('data', (data) => {
    got += data.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.end(bytes);
  await within(`the end of ${url}`, closed);
  return got;
}

onEachRuntime((runtime) => {
  describe('security', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test('the page runs only its own scripts, and may open any stream', async () => {
      for (const path of ['/', '/index.html']) {
        const { headers } = await curl(gateway().http + path);
        const policy = new Map(
          (headers.get('content-security-policy') ?? '')
            .split('; ')
            .map((directive) => directive.split(/ (.*)/) as [string, string]),
        );
        expect(policy.get('default-src')).toBe("'self'");
        expect(policy.get('connect-src')).toBe("'self' http: https:");
        for (const name of ['base-uri', 'form-action', 'frame-ancestors', 'object-src']) {
          expect(policy.get(name)).toBe("'none'");
        }
        for (const name of ['script-src', 'style-src']) expect(policy.get(name)).toBeUndefined();
        expect(headers.get('x-frame-options')).toBe('DENY');
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      }
    });

    test('no answer leaves its type to be guessed', async () => {
      const { http, https, admin } = gateway();
      for (const args of [
        [`${http}/`],
        [`${http}/page.js`],
        [`${http}/-/topics`],
        [`${http}/unknown`],
        ['-X', 'POST', `${http}/${topic.name}`],
        ['-I', `${http}/${topic.name}`],
        [`${http}/${topic.name}?since=x`],
        ['--http2', `${https}/page.js`],
        [`${admin}/readyz`],
        [`${admin}/unknown`],
      ]) {
        const { headers } = await curl(...args);
        expect([args, headers.get('x-content-type-options')]).toEqual([args, 'nosniff']);
      }
    });

    test('no answer tells of the inside', async () => {
      const { http, https } = gateway();
      const told = ({ headers, body }: Answer): string =>
        `${[...headers].map((header) => header.join(': ')).join('\n')}\n${body}`;
      for (const args of [
        ['--path-as-is', `${http}/%zz`],
        ['--path-as-is', `${http}/..%5c..%5cpackage.json`],
        ['--path-as-is', `${http}/../package.json`],
        [`${http}/unknown`],
        [`${http}/${topic.name}?since=x`],
        [`${http}/${topic.name}?format=x`],
        ['-X', 'TRACE', `${http}/`],
        ['-X', 'DELETE', '--http2', `${https}/${topic.name}`],
        ['-H', 'Host: a b', `${http}/`],
        ['-H', 'Origin: x', '-H', `Last-Event-ID: ${'\u00e9'.repeat(100)}`, `${http}/unknown`],
      ]) {
        const answer = await curl(...args);
        expect([args, answer.status < 500, told(answer)]).toEqual([
          args,
          true,
          expect.not.stringMatching(INSIDE),
        ]);
      }
    });

    test('what is no request gets a 400, or nothing', async () => {
      for (const bytes of [
        'no request\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: x\r\nA\u0000b: c\r\n\r\n',
        `CONNECT /${topic.name} HTTP/1.1\r\nHost: x\r\n\r\n`,
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      ]) {
        for (const url of [gateway().http, gateway().admin]) {
          const answer = await sendRaw(url, bytes);
          expect(answer).toMatch(/^$|^HTTP\/1\.1 400 /);
          expect(answer).not.toMatch(INSIDE);
        }
      }
      expect((await curl(`${gateway().admin}/livez`)).status).toBe(200);
    });

    test('a listed topic alone is served, whatever others there are', async () => {
      const other = await kafka.createTopic();
      await other.produce({ value: 'secret' });
      for (const path of [other.name, `${topic.name}%2f..%2f${other.name}`, `%2f${other.name}`]) {
        expect((await curl('--path-as-is', `${gateway().http}/${path}`)).status).toBe(404);
      }
      const { body } = await curl(`${gateway().http}/-/topics`);
      expect(`${body}`).not.toContain(other.name);
    });

    test('bytes of a record cannot become a field, an event or a head of the stream', async () => {
      const own = await kafka.createTopic();
      await using served = await Gateway.startReady(runtime, { topics: [own.name] });
      const values = [
        'a\nid:forged\n\nevent:forged\ndata:b',
        'a\r\nretry:1\r\rdata:c',
        '\r\n\r\nHTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n',
      ];
      await own.produce(...values.map((value) => ({ value, key: 'k\nid:forged' })));
      await using stream = await served.stream(`/${own.name}`);
      const events = await stream.untilEvents(values.length);
      expect(events.map(({ event, id }) => [event, id])).toEqual(
        values.map((_, i) => ['message', own.cursor(i + 1)]),
      );
      expect(events.map(({ data }) => data)).toEqual(
        values.map((value) => value.replaceAll(/\r\n|\r/g, '\n')),
      );
    });
  });

  describe('ADMIN_HOST', () => {
    test('keeps health and metrics to one address', async () => {
      const name = newName();
      const env = { ADMIN_HOST: '127.0.0.1', HOST: '0.0.0.0' };
      await using gateway = await Gateway.start(runtime, { topics: [name], env });
      const at = (url: string, host: string): string => `${url.replace('localhost', host)}/livez`;
      expect((await curl(at(gateway.admin, '127.0.0.1'))).status).toBe(200);
      await expect(curl(at(gateway.admin, '127.0.0.2'))).rejects.toThrow('ECONNREFUSED');
      expect((await curl(at(gateway.http, '127.0.0.2'))).status).toBe(404);
    });
  });
});
