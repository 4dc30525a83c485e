import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { stopEmbeddedKafka } from '../../runtime/embedded_kafka/embedded_kafka.ts';
import { isTaken } from '../../runtime/embedded_kafka/ports.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { freePort, freePorts } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat, type Topic } from '../support/kafka.ts';
import { Program, run, succeeded } from '../support/program.ts';
import { onEachRuntime, onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';

/** The seed's line, but for the port. */
const PUBLISH = 'echo "Hello, world `date`" | kcat -P -b $BROKERS -t events -k 1';

/** @returns what it published, as kcat reads it back. */
async function publish(brokers = kafka.brokers): Promise<string> {
  succeeded('kcat', await run(['sh', '-c', PUBLISH], { env: { BROKERS: brokers } }));
  const newest = ['-C', '-t', 'events', '-o', '-1', '-e', '-q', '-D', ''];
  const { stdout } = await run(['kcat', '-b', brokers, ...newest]);
  expect(stdout.toString()).toMatch(/^Hello, world .*\d+:\d+:\d+/);
  return stdout.toString();
}

/** A port for an embedded Kafka, of which nothing stays. */
async function embeddedPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const options = { port, signal: AbortSignal.timeout(120_000), onProgress: () => {} };
      await stopEmbeddedKafka(options);
      await rm(join(CLONE, '.data', 'kafka', String(port)), { recursive: true, force: true });
    },
  };
}

onEachRuntime((runtime) => {
  describe('the walk-through', () => {
    let events!: Topic;
    const gateway = shared(async () => {
      await kafka.deleteTopic('events');
      events = await kafka.createTopic({ name: 'events', compacted: true });
      return Gateway.startReady(runtime);
    });

    test('kcat publishes, curl gets it live, byte for byte', async () => {
      await using curl = new Program(['curl', '-sSN', `${gateway().http}/events`]);
      await curl.printed('retry:');
      const line = await publish();
      const first = `data:${line}\nid:${events.cursor(1)}\n\n`;
      await curl.printed(`data:${line}\nid:`);
      const next = await publish();
      const second = `data:${next}\nid:${events.cursor(2)}\n\n`;
      await curl.printed(`data:${next}\nid:`);
      await eventually('the end of the block', async () => `${curl.stdout}`.endsWith('\n\n'));

      const [retry = '', ...rest] = curl.stdout.toString().split(/(?<=\n\n)/);
      // Each id says when its block was made.
      expect(rest.join('').replaceAll(/\/~[0-9a-z]{6}$/gm, '')).toBe(first + second);
      expect(retry).toMatch(/^retry:\d+\n\n$/);
      const milliseconds = Number(retry.slice('retry:'.length));
      expect(milliseconds).toBeGreaterThanOrEqual(1000);
      expect(milliseconds).toBeLessThanOrEqual(3000);
    });

    test('sse-cat prints the line and nothing else', async () => {
      const before = await publish();
      await using sseCat = new Program([...runtime.sseCat, `${gateway().http}/events`]);
      await sseCat.printed(`${before}\n`);
      const live = await publish();
      await sseCat.printed(`${live}\n`);
      expect(sseCat.stdout.toString()).toBe(`${before}\n${live}\n`);
      expect(sseCat.stderr).toBe('');
    });

    test('the time to come back is spread', async () => {
      const retries = new Set<string>();
      for (let i = 0; i < 10; i++) {
        await using stream = await gateway().stream('/events');
        await stream.until('the first block', () => stream.blocks.length > 0);
        retries.add(stream.blocks[0]!.raw);
      }
      expect(retries.size).toBeGreaterThan(1);
    });
  });

  describe('without KAFKA_BROKERS', () => {
    test("a gateway leaves somebody else's Kafka alone and names both ways out", async () => {
      const port = kafka.brokers.replace('localhost:', '');
      const folder = await newFolder();
      try {
        const env = { ...(await freePorts()), EMBEDDED_KAFKA_PORT: port };
        const { code, stderr } = await run(runtime.gatewayAndKafka, { cwd: folder, env });
        expect(code).not.toBe(0);
        expect(code).not.toBe(78);
        for (const name of [`localhost:${port}`, 'KAFKA_BROKERS', 'EMBEDDED_KAFKA_PORT']) {
          expect(stderr).toContain(name);
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
        await rm(join(CLONE, '.data', 'kafka', port), { recursive: true, force: true });
      }
    });
  });
});

onRuntimesOfTier((runtime) => {
  describe('without KAFKA_BROKERS', () => {
    test('a gateway brings its own Kafka, which keeps the events and ends with it', async () => {
      await using embedded = await embeddedPort();
      const { port } = embedded;
      const brokers = `localhost:${port}`;
      await using gateway = await Gateway.start(runtime, {
        env: { KAFKA_BROKERS: '', EMBEDDED_KAFKA_PORT: String(port) },
      });
      expect(gateway.stderr).toContain(brokers);
      const line = await publish(brokers);
      await using stream = await gateway.stream('/events');
      expect((await stream.untilEvents(1))[0]!.data).toBe(line);
      const { body } = await curl(`${gateway.http}/-/topics`);
      expect(JSON.parse(`${body}`).topics).toMatchObject([{ name: 'events', compacted: true }]);
      gateway.kill('SIGINT');
      expect(await gateway.ended()).toBe(0);
      expect(await isTaken(port)).toBe(false);

      await gateway.start();
      await using again = await gateway.stream('/events');
      expect((await again.untilEvents(1))[0]!.raw).toBe(stream.events[0]!.raw);
      expect(await gateway.stop()).toBe(0);
      expect(await isTaken(port)).toBe(false);
    });
  });

  describe('a compacted topic', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ compacted: true });
      const updates = Array.from({ length: 1000 }, (_, i) => `key${i % 10}:update ${i}`);
      await kcat(['-P', '-t', topic.name, '-K:'], updates.join('\n'));
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });

    test('gives a new client the latest of each key, then live', async () => {
      await using stream = await gateway().stream(`/${topic.name}`);
      await stream.untilEvents(10);
      await topic.produce({ key: 'key3', value: 'live' });
      const events = await stream.untilEvents(11);
      const latest = Array.from({ length: 10 }, (_, i) => `update ${990 + i}`);
      expect(events.map(({ data }) => data)).toEqual([...latest, 'live']);
      expect(events.map(({ id }) => id)).toEqual(
        [...Array.from({ length: 10 }, (_, i) => 991 + i), 1001].map((next) => topic.cursor(next)),
      );
    });

    test('gives a client that comes back what changed since, at its latest value', async () => {
      await using first = await gateway().stream(`/${topic.name}`);
      await first.untilEvents(10);
      const id = first.events.at(-1)!.id;
      first.cut();
      await topic.produce(
        { key: 'a', value: 'a1' },
        { key: 'b', value: 'b1' },
        { key: 'a', value: 'a2' },
        { key: 'b' },
        { key: 'c', value: 'c1' },
        { key: 'a', value: 'a3' },
      );
      await using witness = await gateway().stream(`/${topic.name}`);
      await witness.until('the newest record', () => witness.events.at(-1)?.data === 'a3');

      await using second = await gateway().stream(`/${topic.name}`, {
        headers: { 'last-event-id': id },
      });
      await second.untilEvents(3);
      await topic.produce({ key: 'd', value: 'd1' });
      const events = await second.untilEvents(4);
      expect(events.map(({ event, data }) => [event, data])).toEqual([
        ['delete', 'Yg=='],
        ['message', 'c1'],
        ['message', 'a3'],
        ['message', 'd1'],
      ]);
    });
  });

  describe('another topic', () => {
    test('gives a new client everything from its beginning, then live', async () => {
      const topic = await kafka.createTopic();
      const before = Array.from({ length: 300 }, (_, i) => `before ${i}`);
      await kcat(['-P', '-t', topic.name, '-k', 'same'], before.join('\n'));
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(300);
      await topic.produce({ value: 'live' });
      const events = await stream.untilEvents(301);
      expect(events.map(({ data }) => data)).toEqual([...before, 'live']);
      expect(events.map(({ id }) => id)).toEqual(
        before.concat('').map((_, i) => topic.cursor(i + 1)),
      );
    });
  });
});
