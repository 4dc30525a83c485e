import { readFile } from 'node:fs/promises';
import { PassThrough, Transform, type TransformCallback } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually, within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat, type Topic } from '../support/kafka.ts';
import { Relay } from '../support/relay.ts';
import { onEachRuntime, type Runtime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';

const MB = 2 ** 20;
/** Together more than all buffers take on the way to a client. */
const RECORDS = 20;

async function start(
  runtime: Runtime,
  env: Readonly<Record<string, string>>,
): Promise<{ gateway: HostedGateway; topic: Topic; path: string }> {
  const topic = await kafka.createTopic({ configs: { 'max.message.bytes': String(12 * MB) } });
  const gateway = await HostedGateway.startReady(runtime, { topics: [topic.name], env });
  return { gateway, topic, path: `/${topic.name}` };
}

/** By a program, which counts the sums of so many bytes faster than a test can. */
async function produceMuch({ name }: Topic): Promise<void> {
  const lines = Array.from({ length: RECORDS }, () => 'x'.repeat(MB));
  const options = ['-X', `message.max.bytes=${2 * MB}`];
  await kcat(['-P', '-t', name, '-p', '0', ...options], lines.join('\n'));
}

const ESTABLISHED = '01';

/** The connections that the kernel has which came to a port of this machine. */
async function connectionsTo(port: number): Promise<{ state: string; unsent: number }[]> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
  );
  const rows = tables.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)));
  return rows
    .filter(([, local]) => local?.endsWith(end))
    .map(([, , , state, queues]) => ({ state: state!, unsent: Number.parseInt(queues!, 16) }));
}

/** How many of them are whole. */
async function connectionsOf(port: number): Promise<number> {
  return (await connectionsTo(port)).filter(({ state }) => state === ESTABLISHED).length;
}

/** Bytes for clients of a listener that it has let go of: the kernel tries them for minutes. */
async function orphanedBytes(origin: string): Promise<number> {
  const connections = await connectionsTo(Number(new URL(origin).port));
  const orphans = connections.filter(({ state }) => state !== ESTABLISHED);
  return orphans.reduce((sum, { unsent }) => sum + unsent, 0);
}

/** Waits until a stream that was refused for want of a place is let in. */
async function untilPlace(gateway: HostedGateway, path: string): Promise<SseStream> {
  return eventually('the place of a client that was cut', async () => {
    const stream = await gateway.stream(path);
    if (stream.status === 200) return stream;
    await stream[Symbol.asyncDispose]();
    return null;
  });
}

type Open = (gateway: HostedGateway, path: string, h2: H2Session) => Promise<SseStream>;

const WAYS: readonly (readonly [string, Open])[] = [
  ['HTTP/1.1', (gateway, path) => gateway.stream(path)],
  ['HTTP/1.1 over TLS', (gateway, path) => SseStream.open(gateway.https + path)],
  ['HTTP/2', (gateway, path, { session }) => SseStream.open(gateway.https + path, { h2: session })],
];
const WAY_NAMES = WAYS.map(([name]) => name).join(', ');

onEachRuntime((runtime) => {
  describe('STALL_SECONDS', () => {
    test(`cuts clients that take nothing, over ${WAY_NAMES}`, async () => {
      const { gateway, topic, path } = await start(runtime, {
        STALL_SECONDS: '2',
        MAX_CONNECTIONS: `${WAYS.length}`,
      });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      await using streams = new StreamGroup();
      const stalled: SseStream[] = [];
      for (const [, open] of WAYS) {
        const stream = streams.add(await open(gateway, path, h2));
        await stream.until('the first block', () => stream.blocks.length > 0);
        stream.pause();
        stalled.push(stream);
      }
      await produceMuch(topic);
      for (const _ of WAYS) {
        const next = streams.add(await untilPlace(gateway, path));
        await next.untilEvents(1);
      }
      expect(await orphanedBytes(gateway.http)).toBe(0);
      expect(await orphanedBytes(gateway.https)).toBe(0);
      for (const stream of stalled) {
        stream.resume();
        await within('its end', stream.over);
        expect(stream.events.length).toBeLessThan(RECORDS);
      }
    });

    test(`leaves clients that take a large record slowly, over ${WAY_NAMES}`, async () => {
      const { gateway, topic, path } = await start(runtime, { STALL_SECONDS: '2' });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const slow = await Promise.all(WAYS.map(([, open]) => open(gateway, path, h2)));
      await using streams = new StreamGroup();
      for (const stream of slow) {
        streams.add(stream);
        await stream.until('the first block', () => stream.blocks.length > 0);
      }
      await produceMuch(topic);
      // Of the same length, without a pause: about ten times STALL_SECONDS.
      for (const start = performance.now(); performance.now() - start < 10_000; ) {
        for (const stream of slow) stream.resume();
        await delay(2);
        for (const stream of slow) stream.pause();
        await delay(200);
      }
      expect(slow.map(({ isOver }) => isOver)).toEqual(WAYS.map(() => false));
      for (const stream of slow) {
        stream.resume();
        await stream.untilEvents(3);
      }
    });

    test('cuts one stream of an HTTP/2 connection and leaves the others', async () => {
      const { gateway, topic, path } = await start(runtime, {
        STALL_SECONDS: '4',
        MAX_CONNECTIONS: '2',
      });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const url = gateway.https + path;
      await using stalled = await SseStream.open(url, { h2: h2.session });
      await using reads = await SseStream.open(url, { h2: h2.session });
      await stalled.until('the first block', () => stalled.blocks.length > 0);
      stalled.pause();
      await produceMuch(topic);
      await using next = await untilPlace(gateway, path);
      await next.untilEvents(1);
      await reads.untilEvents(RECORDS);
      await topic.produce({ value: 'after the cut' });
      await reads.untilEvents(RECORDS + 1);
    });

    test('lets go of an HTTP/2 connection that takes nothing at all', async () => {
      const { gateway, topic, path } = await start(runtime, { STALL_SECONDS: '2' });
      await using _gateway = gateway;
      const port = Number(new URL(gateway.https).port);
      await using relay = await Relay.start(port);
      let isBlocked = false;
      const transform = (bytes: Buffer, _: string, done: TransformCallback): void => {
        if (!isBlocked) done(null, bytes);
      };
      relay.way = () => ({ there: new PassThrough(), back: new Transform({ transform }) });
      const secureUrl = `https://localhost:${relay.port}`;
      // So that it is the connection which takes nothing, and not the stream.
      await using h2 = new H2Session(secureUrl, 64 * MB);
      await using stream = await SseStream.open(secureUrl + path, { h2: h2.session });
      await stream.until('the first block', () => stream.blocks.length > 0);
      expect(await connectionsOf(port)).toBe(1);
      isBlocked = true;
      await produceMuch(topic);
      await eventually('its end', async () => (await connectionsOf(port)) === 0);
      expect(await orphanedBytes(gateway.https)).toBe(0);
    });

    test('leaves a client that has all there is', async () => {
      const { gateway, path } = await start(runtime, {
        STALL_SECONDS: '1',
        HEARTBEAT_SECONDS: '3',
      });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const opened = await Promise.all(WAYS.map(([, open]) => open(gateway, path, h2)));
      for (const stream of opened) {
        await using idle = stream;
        await idle.until('a heartbeat', () => idle.blocks.some(({ kind }) => kind === 'heartbeat'));
      }
    });

    test('of 0 cuts nobody', async () => {
      const { gateway, topic, path } = await start(runtime, {
        STALL_SECONDS: '0',
        HEARTBEAT_SECONDS: '1',
      });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const opened = await Promise.all(WAYS.map(([, open]) => open(gateway, path, h2)));
      for (const stream of opened) stream.pause();
      await produceMuch(topic);
      await using other = await gateway.stream(`${path}?since=latest`);
      const beats = (): number => other.blocks.filter(({ kind }) => kind === 'heartbeat').length;
      await other.until('four heartbeats', () => beats() >= 4);
      for (const stream of opened) {
        await using paused = stream;
        paused.resume();
        await paused.untilEvents(RECORDS);
      }
    });
  });

  describe('MAX_AGE_SECONDS', () => {
    test('ends each stream by itself, where a block ends, and it goes on with its id', async () => {
      const { gateway, topic, path } = await start(runtime, { MAX_AGE_SECONDS: '3' });
      await using _gateway = gateway;
      await using h2 = new H2Session(gateway.https);
      const opened = await Promise.all(
        Array.from({ length: 12 }, (_, i) => WAYS[i % WAYS.length]![1](gateway, path, h2)),
      );
      let produced = 0;
      const counts = new Set<number>();
      const open = (): number => opened.filter(({ isOver }) => !isOver).length;
      while (open() > 0) {
        await topic.produce({ value: `${produced++} ${'x'.repeat(70_000)}` });
        counts.add(open());
        await delay(50);
      }
      expect(counts.size).toBeGreaterThan(2);
      // The one that ended last may have had all the others.
      await topic.produce({ value: `${produced} last` });
      for (const stream of opened) {
        expect(stream.isAtBlockEnd).toBe(true);
        const id = stream.blocks.at(-1)!.id;
        await using rest = await gateway.stream(path, { headers: { 'last-event-id': id } });
        const next = (await rest.untilEvents(1))[0]!.data.split(' ')[0];
        expect(next).toBe(`${stream.events.length}`);
      }
    });
  });
});
