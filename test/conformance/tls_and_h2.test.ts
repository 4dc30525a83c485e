import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { run } from '../support/program.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';

const KB = 1024;

/** A TLS connection that offers these protocols. */
async function handshake(origin: string, ALPNProtocols: string[]): Promise<TLSSocket> {
  const options = { port: Number(new URL(origin).port), ALPNProtocols, rejectUnauthorized: false };
  const connected = new Promise<TLSSocket>((resolve, reject) => {
    const socket = connectTls(options, () => resolve(socket));
    socket.on('error', reject);
  });
  return within('a TLS handshake', connected);
}

async function fingerprint(origin: string): Promise<string> {
  const socket = await handshake(origin, []);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

interface H2 extends AsyncDisposable {
  readonly session: ClientHttp2Session;
}

function connectH2(origin: string): H2 {
  const session = connect(origin, { rejectUnauthorized: false });
  session.on('error', () => {});
  return {
    session,
    [Symbol.asyncDispose]: async () => session.destroy(),
  };
}

onEachRuntime((runtime) => {
  describe('TLS', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each([
      { offered: ['h2', 'http/1.1'], taken: 'h2' },
      { offered: ['http/1.1'], taken: 'http/1.1' },
      { offered: ['h2'], taken: 'h2' },
    ])('with $offered speaks $taken', async ({ offered, taken }) => {
      const socket = await handshake(gateway().https, offered);
      expect(socket.alpnProtocol).toBe(taken);
      socket.destroy();
    });

    test('serves page and stream by HTTP/2 and by HTTP/1.1', async () => {
      for (const [option, version] of [
        ['--http2', '2'],
        ['--http1.1', '1.1'],
      ] as const) {
        const page = await curl(option, `${gateway().https}/index.html`);
        expect([page.status, page.httpVersion]).toEqual([200, version]);
        const head = await curl(option, '-I', `${gateway().https}/${topic.name}`);
        expect([head.status, head.httpVersion]).toEqual([200, version]);
        expect(head.headers.get('content-type')).toBe('text/event-stream');
        expect(head.headers.get('cache-control')).toBe('no-cache, no-transform');
        expect(head.headers.has('content-encoding')).toBe(false);
        expect(head.headers.has('etag')).toBe(false);
      }
    });

    test('has a certificate for localhost that the next start has, too', async () => {
      const options = { topics: [topic.name], makesCertificate: true } as const;
      await using own = await Gateway.start(runtime, options);
      const before = await fingerprint(own.https);
      expect(await own.stop()).toBe(0);
      await own.start();
      expect(await fingerprint(own.https)).toBe(before);
      expect(before).not.toBe(await fingerprint(gateway().https));
      const socket = await handshake(own.https, ['http/1.1']);
      expect(socket.getPeerCertificate().subjectaltname).toContain('DNS:localhost');
      socket.destroy();
    });

    test('carries many streams on one HTTP/2 connection, one of which may end', async () => {
      await using h2 = connectH2(gateway().https);
      await using streams = new StreamGroup();
      const url = `${gateway().https}/${topic.name}?since=latest`;
      const opened: SseStream[] = [];
      for (let i = 0; i < 20; i++) {
        opened.push(streams.add(await SseStream.open(url, { h2: h2.session })));
      }
      await using http1 = await SseStream.open(url);
      opened.push(http1);
      for (const stream of opened) {
        await stream.until('its start', () => stream.blocks.some(({ kind }) => kind === 'id'));
      }
      await topic.produce({ value: 'one' });
      for (const stream of opened) await stream.untilEvents(1);
      opened.shift()!.cut();
      await topic.produce({ value: 'two' });
      for (const stream of opened) {
        expect((await stream.untilEvents(2)).map(({ data }) => data)).toEqual(['one', 'two']);
      }
    });
  });

  describe('a request head', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });
    const urls = (): (readonly [what: string, ...args: string[]])[] => [
      ['HTTP/1.1', `${gateway().http}/page.js`],
      ['HTTP/1.1 over TLS', '--http1.1', `${gateway().https}/page.js`],
      ['HTTP/2', '--http2', `${gateway().https}/page.js`],
      ['admin', `${gateway().admin}/livez`],
    ];
    /** A header, or several, of so many bytes together; the rest of the head is small. */
    const inOne = (bytes: number): string[] => ['-H', `X-Filler: ${'x'.repeat(bytes)}`];
    const inMany = (bytes: number): string[] =>
      Array.from({ length: bytes / KB }, (_, i) => ['-H', `X-${i}: ${'x'.repeat(KB - 10)}`]).flat();

    test('of 32 kB is taken, on every listener and protocol', async () => {
      for (const [what, ...args] of urls()) {
        for (const filler of [inOne(31 * KB), inMany(31 * KB)]) {
          expect([what, (await curl(...filler, ...args)).status]).toEqual([what, 200]);
        }
      }
    });

    test('with a target of 31 kB is taken', async () => {
      const query = `?lastEventId=&x=${'x'.repeat(31 * KB)}`;
      await using plain = await gateway().stream(`/${topic.name}${query}`);
      await using h2 = connectH2(gateway().https);
      const url = `${gateway().https}/${topic.name}${query}`;
      await using stream = await SseStream.open(url, { h2: h2.session });
      expect([plain.status, stream.status]).toEqual([200, 200]);
    });

    test('above 64 kB is 431 on HTTP/1.1, or refused in its way on HTTP/2', async () => {
      for (const [what, ...args] of urls()) {
        for (const filler of [inOne(66 * KB), inMany(66 * KB)]) {
          const head = ['-isSk', '--max-time', '15', ...filler, ...args];
          const { code, stdout } = await run(['curl', ...head]);
          if (what === 'HTTP/2' && code !== 0) {
            // 92 and 16: an error of the stream or of the connection, not a wait that was given up.
            expect([16, 52, 55, 56, 92]).toContain(code);
          } else {
            expect([what, `${stdout}`.split('\r\n')[0]]).toEqual([
              what,
              expect.stringMatching(/^HTTP\/[\d.]+ 431\b/),
            ]);
          }
        }
      }
      expect((await curl(`${gateway().https}/index.html`)).status).toBe(200);
    });
  });
});
