import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { besideGoodClient } from '../support/beside_good_client.ts';
import { within } from '../support/deadline.ts';
import { fuzz } from '../support/fuzz.ts';
import { Gateway } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { exchange } from '../support/raw_exchange.ts';
import { type AnyRequest, requests, targetOf } from '../support/request_arbitraries.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';

const STATUSES = [200, 204, 206, 304, 400, 404, 405, 408, 431];
const HEAD = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[!#-'*+.^-z|~A-Z0-9-]+:[^\r\n]*\r\n)*\r\n/;

/** What HTTP/1.1 has of a request. */
function textOf({ method, headers, ...target }: AnyRequest): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(
    `${method} ${targetOf({ method, headers, ...target })} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`,
    'latin1',
  );
}

/** Checks that what came is an answer of the contract. */
function expectAnswer(got: string, { method }: AnyRequest): void {
  const [, status] = HEAD.exec(got) ?? [];
  expect({ got, known: STATUSES.includes(Number(status)) }).toEqual({ got, known: true });
  if (method !== 'GET' && method !== 'HEAD') {
    expect({ got, status: Number(status) }).not.toMatchObject({ status: 200 });
  }
}

/** The status of a request over HTTP/2; `null` for one that was reset. */
async function askH2({ session }: H2Session, request: AnyRequest): Promise<number | null> {
  const stream = session.request({
    ...Object.fromEntries(request.headers),
    ':method': request.method,
    ':path': targetOf(request),
  });
  stream.end();
  const answered = new Promise<number | null>((resolve) => {
    stream.on('response', ({ ':status': status }) => resolve(status!));
    stream.on('error', () => resolve(null));
    stream.on('close', () => resolve(null));
  });
  const status = await within(() => `an answer to ${JSON.stringify(request)}`, answered);
  stream.close();
  return status;
}

onEachRuntime((runtime) => {
  describe('hostile requests', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: 'first' });
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    /** Lets a good client read while others do this, and looks whether all is well. */
    async function beside(others: () => Promise<void>): Promise<void> {
      await using good = await gateway().stream(`/${topic.name}?since=latest`);
      await besideGoodClient(good, { gateway: gateway(), topic, maxGrownMb: 128 }, others);
    }

    test('of any target and head over HTTP/1.1 get an answer of the contract', () =>
      beside(async () => {
        const property = fc.asyncProperty(requests(topic), async (request) => {
          expectAnswer(await exchange(gateway().http, textOf(request), false), request);
        });
        await fuzz(`requests over HTTP/1.1 on ${runtime.name}`, property, 1000);
      }));

    test('of any target and head over HTTP/2 get an answer of the contract', () =>
      beside(async () => {
        await using h2 = new H2Session(gateway().https);
        const property = fc.asyncProperty(requests(topic), async (request) => {
          const status = await askH2(h2, request);
          expect({ status, known: STATUSES.includes(status!) }).toMatchObject({ known: true });
        });
        await fuzz(`requests over HTTP/2 on ${runtime.name}`, property, 1000);
        // The connection is as good as before.
        const url = `${gateway().https}/${topic.name}`;
        await using stream = await SseStream.open(url, { h2: h2.session });
        await stream.untilEvents(1);
      }));

    test('of broken bytes over HTTP/1.1 are refused or cut, and hold up nobody', () =>
      beside(async () => {
        const damage = fc.array(
          fc.tuple(fc.nat(), fc.constantFrom('\0', '\r', '\n', '\r\n', ' ', ':', '\x80', 'x', '')),
          { maxLength: 6 },
        );
        const cut = fc.option(fc.nat());
        const broken = fc.tuple(requests(topic), damage, cut).map(([request, changes, end]) => {
          let text = textOf(request).toString('latin1');
          for (const [at, piece] of changes) {
            const place = at % text.length;
            text = text.slice(0, place) + piece + text.slice(place + 1);
          }
          return end === null ? text : text.slice(0, end % text.length);
        });
        const frame = fc.constantFrom(
          'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
          'Content-Length: -1\r\n\r\n',
          'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
          'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
          'Expect: 100-continue\r\n\r\n',
          'Upgrade: h2c\r\nConnection: upgrade\r\n\r\n',
        );
        const bytes = fc.oneof(
          broken,
          // One after the other, without waiting for an answer.
          fc.array(broken, { minLength: 2, maxLength: 5 }).map((all) => all.join('')),
          fc.uint8Array({ maxLength: 2000 }).map((all) => Buffer.from(all).toString('latin1')),
          frame.map((rest) => `POST /${topic.name} HTTP/1.1\r\nHost: localhost\r\n${rest}`),
          fc.nat(300_000).map((n) => `GET /${'x'.repeat(n)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
          fc.nat(20_000).map((n) => `GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(n)}\r\n`),
        );
        const property = fc.asyncProperty(bytes, async (text) => {
          const got = await exchange(gateway().http, Buffer.from(text, 'latin1'));
          const [, status] = HEAD.exec(got) ?? [];
          const isKnown =
            got === '' || [100, 413, 417, 501, 505, ...STATUSES].includes(Number(status));
          expect({ got, isKnown }).toEqual({ got, isKnown: true });
        });
        await fuzz(`broken bytes over HTTP/1.1 on ${runtime.name}`, property, 1000);
      }));
  });
});
