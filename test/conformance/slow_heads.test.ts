import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';

const HEAD_START = 'GET / HTTP/1.1\r\nHost: localhost\r\n';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** HEADERS without END_HEADERS, of which no CONTINUATION follows. */
const HALF_HEADERS = Buffer.from([0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82]);

function open(url: string, alpn: string | null): Socket {
  const port = Number(new URL(url).port);
  if (alpn === null) return connect(port, 'localhost');
  return connectTls({ port, ALPNProtocols: [alpn], rejectUnauthorized: false });
}

/** Sends this, then a byte now and then. @returns what came until it was cut */
async function untilCut(url: string, alpn: string | null, start: string | Buffer): Promise<string> {
  const socket = open(url, alpn);
  let got = '';
  socket.on('data', (bytes) => {
    got += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(start);
  const trickle = setInterval(() => start !== '' && alpn !== 'h2' && socket.write('x'), 1000);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  try {
    await within(`a cut of ${url} ${alpn}`, closed);
  } finally {
    clearInterval(trickle);
    socket.destroy();
  }
  return got;
}

onEachRuntime((runtime) => {
  describe('a client that does not say what it wants', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });

    test('is cut within 15 s, on every listener and protocol, and others are not', async () => {
      const { http, https, admin } = gateway();
      await using h2 = new H2Session(https);
      await using open = await SseStream.open(`${https}/${topic.name}`, { h2: h2.session });
      const answers = await Promise.all([
        untilCut(http, null, ''),
        untilCut(http, null, HEAD_START),
        untilCut(admin, null, HEAD_START),
        // No handshake of TLS, none of it.
        untilCut(https, null, ''),
        untilCut(https, 'http/1.1', ''),
        untilCut(https, 'http/1.1', HEAD_START),
        untilCut(https, 'h2', ''),
        untilCut(https, 'h2', Buffer.concat([Buffer.from(PREFACE), SETTINGS])),
        untilCut(https, 'h2', Buffer.concat([Buffer.from(PREFACE), SETTINGS, HALF_HEADERS])),
      ]);
      for (const answer of answers) expect(answer).not.toContain('200 OK');
      for (const i of [1, 2, 5]) expect(answers[i]).toMatch(/^HTTP\/1\.1 408 /);
      await topic.produce({ value: 'still there' });
      await open.untilEvents(1);
    });

    test('may go on with anything while its stream is open: it is read away', async () => {
      const url = `${gateway().http}/${topic.name}`;
      const socket = connect(Number(new URL(url).port), 'localhost');
      let got = '';
      const heard = new Promise<void>((resolve, reject) => {
        socket.on('data', (bytes) => {
          got += bytes.toString('latin1');
          if (got.includes('retry:')) socket.write('no request\r\n\r\n');
          if (got.includes('data:behind it')) resolve();
        });
        socket.on('error', reject);
        socket.on('close', () => reject(new Error(`cut after ${got}`)));
      });
      socket.write(`GET /${topic.name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await topic.produce({ value: 'behind it' });
      await within('a record', heard);
      socket.destroy();
      // A refusal would stand within the stream.
      expect(got.match(/HTTP\/1\.1/g)).toHaveLength(1);
    });
  });

  describe('a head of many headers', () => {
    const gateway = shared(() => HostedGateway.start(runtime, { topics: [newName()] }));

    test('is taken up to 32 kB in 256 fields, none of them dropped, and 431 above 64 kB', async () => {
      const headers = (count: number, length: number): Record<string, string> =>
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 'y'.repeat(length)]));
      const url = `${gateway().http}/index.html`;
      const secureUrl = `${gateway().https}/index.html`;
      await using h2 = new H2Session(gateway().https);
      const ways = [
        (all: Record<string, string>) => SseStream.open(url, { headers: all }),
        (all: Record<string, string>) => SseStream.open(secureUrl, { headers: all }),
        (all: Record<string, string>) =>
          SseStream.open(secureUrl, { headers: all, h2: h2.session }),
      ];
      for (const way of ways) {
        await using taken = await way({ ...headers(250, 115), 'if-none-match': '*' });
        // That header comes last.
        expect(taken.status).toBe(304);
        await using refused = await way(headers(60, 1200));
        expect(refused.status).toBe(431);
      }
    });
  });
});
