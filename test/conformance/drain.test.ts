import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onEachRuntime, type Runtime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';

const MB = 2 ** 20;

async function startDraining(
  runtime: Runtime,
  seconds: number,
): Promise<{ gateway: Gateway; topic: Topic; path: string }> {
  const topic = await kafka.createTopic({ configs: { 'max.message.bytes': String(12 * MB) } });
  await topic.produce({ value: 'a' });
  const gateway = await Gateway.startReady(runtime, {
    topics: [topic.name],
    env: { DRAIN_SECONDS: String(seconds) },
  });
  return { gateway, topic, path: `/${topic.name}` };
}

/** Sends SIGTERM and waits until the gateway has heard of it. */
async function drain(gateway: Gateway): Promise<void> {
  gateway.kill('SIGTERM');
  await gateway.says('Draining');
}

/** Asks over a connection that is kept; settles with what `connection` says in the answer. */
function ask(agent: Agent, url: string): Promise<string | undefined> {
  const answered = new Promise<string | undefined>((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.headers.connection));
    });
    sent.on('error', reject).end();
  });
  return within(`an answer of ${url}`, answered);
}

onEachRuntime((runtime) => {
  describe('in drain', () => {
    let path!: string;
    let stream!: SseStream;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let kept!: { readonly answer: string | undefined; readonly closed: Promise<unknown> };
    /** One that has a stream and a connection that was kept, and has heard of SIGTERM. */
    const draining = shared(async () => {
      const started = await startDraining(runtime, 3600);
      const { gateway } = started;
      path = started.path;
      stream = await gateway.stream(path);
      await stream.untilEvents(1);
      const answer = await ask(agent, `${gateway.http}/index.html`);
      const [socket] = Object.values(agent.freeSockets)[0]!;
      kept = { answer, closed: new Promise((resolve) => socket!.once('close', resolve)) };
      await drain(gateway);
      return gateway;
    });
    afterAll(async () => {
      agent.destroy();
      await stream?.[Symbol.asyncDispose]();
    });

    test('/readyz says 503 at once, /livez 200, and the page is served', async () => {
      const gateway = draining();
      await eventually('503', async () => (await gateway.readiness()).status === 503);
      const { ready, missing } = await gateway.readiness();
      expect([ready, missing]).toEqual([false, [expect.stringContaining('end')]]);
      expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);
      expect((await curl(`${gateway.http}/index.html`)).status).toBe(200);
      expect((await curl('-I', gateway.http + path)).status).toBe(200);
    });

    test('no stream is taken: 503, or for an EventSource the time to come back alone', async () => {
      const gateway = draining();
      for (const url of [
        [gateway.http + path],
        ['--http1.1', gateway.https + path],
        ['--http2', gateway.https + path],
      ]) {
        const refused = await curl(...url);
        expect(refused.status).toBe(503);
        expect(['1', '2', '3']).toContain(refused.headers.get('retry-after'));
        expect(`${refused.body}`).toMatch(/^[^\n]+\n$/);
        const told = await curl('-H', 'Accept: text/event-stream', ...url);
        expect([told.status, told.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
        expect(`${told.body}`).toMatch(/^retry:([12]\d{3}|3000)\n\n$/);
      }
    });

    test('kept connections of HTTP/1.1 are closed', async () => {
      expect(kept.answer).toBe('keep-alive');
      await within('the end of the kept connection', kept.closed);
      expect(await ask(agent, `${draining().http}/index.html`)).toBe('close');
    });

    test('a new connection of HTTP/2 gets its answer, and GOAWAY', async () => {
      const gateway = draining();
      await using h2 = new H2Session(gateway.https);
      const headers = { accept: 'text/event-stream' };
      await using refused = await SseStream.open(gateway.https + path, {
        h2: h2.session,
        headers,
      });
      await within('the end of the refusal', refused.over);
      expect(refused.blocks.map(({ kind }) => kind)).toEqual(['retry']);
      expect(await within('GOAWAY', h2.goaway)).toBe(0);
      await within('the end of the connection', h2.over);
    });

    test('streams end one by one, each where a block ends, and nothing is lost, after GOAWAY on HTTP/2', async () => {
      const { gateway, topic, path } = await startDraining(runtime, 6);
      await using _gateway = gateway;
      await using streams = new StreamGroup();
      await using h2 = new H2Session(gateway.https);
      const open: SseStream[] = [];
      const ended: number[] = [];
      for (let i = 0; i < 24; i++) {
        const opened = [
          () => gateway.stream(path),
          () => SseStream.open(gateway.https + path),
          () => SseStream.open(gateway.https + path, { h2: h2.session }),
        ];
        const stream = streams.add(await opened[i % 3]!());
        open.push(stream);
        void stream.over.then(() => ended.push(i));
      }
      for (const stream of open) await stream.untilEvents(1);
      await drain(gateway);
      expect(await within('GOAWAY', h2.goaway)).toBe(0);
      let produced = 1;
      /** How many of them were open still when a record came. */
      const counts = new Set<number>();
      // Of several arrays, so that a stream can end within one only if it ends within a block.
      const filler = 'x'.repeat(130_000);
      while (ended.length < open.length) {
        await topic.produce({ value: `${produced++} ${filler}` });
        // Faster, a busy machine is late with a block when the time is over, and cuts it.
        await delay(200);
        counts.add(open.filter(({ isOver }) => !isOver).length);
      }
      expect(counts.size).toBeGreaterThan(3);
      expect(ended).not.toEqual(ended.toSorted((a, b) => a - b));
      await within('the end of the connection', h2.over);
      expect(await gateway.ended()).toBe(0);

      await gateway.start();
      await gateway.untilReady();
      const all = ['a', ...Array.from({ length: produced - 1 }, (_, i) => `${i + 1}`)];
      // By the way in which they were opened: HTTP/1.1, over TLS, HTTP/2.
      expect(open.map(({ isAtBlockEnd }, i) => [i % 3, isAtBlockEnd])).toEqual(
        open.map((_, i) => [i % 3, true]),
      );
      const check = async (stream: SseStream): Promise<void> => {
        const id = stream.blocks.at(-1)!.id;
        await using rest = await gateway.stream(path, { headers: { 'last-event-id': id } });
        const missed = await rest.untilEvents(produced - stream.events.length);
        const numbers = [...stream.events, ...missed].map(({ data }) => data.split(' ')[0]);
        expect(numbers).toEqual(all);
      };
      await Promise.all(open.map(check));
    });

    test('a client that takes nothing is cut at the deadline', async () => {
      const { gateway, topic, path } = await startDraining(runtime, 2);
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const opened = [
        await gateway.stream(path),
        await SseStream.open(gateway.https + path),
        await SseStream.open(gateway.https + path, { h2: h2.session }),
      ];
      await using streams = new StreamGroup();
      for (const stream of opened) {
        streams.add(stream);
        await stream.untilEvents(1);
        stream.pause();
      }
      // More than all buffers take on the way to it.
      for (let i = 0; i < 4; i++) await topic.produce({ value: 'x'.repeat(10 * MB) });
      await drain(gateway);
      expect(await gateway.ended()).toBe(0);
    });
  });
});
