import type { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat, type Topic } from '../support/kafka.ts';
import { KnownStream } from '../support/known_stream.ts';
import { numberedBlocks, writeNumbered } from '../support/numbered_records.ts';
import { onEachRuntime, onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { IS_ALL } from '../support/tier.ts';
import { cursorOffsets } from '../support/wire_format.ts';

/** Nothing may come between the records, and a client that stops is not cut. */
const ONLY_RECORDS = { HEARTBEAT_SECONDS: '0', STALL_SECONDS: '0' };
const MB = 2 ** 20;
/** For waits in which much is read: no measure of speed. */
const LONG_MS = 100_000;
/** How many records of 1 kB lie behind 8 MB of memory, and how many clients read them. */
const [BEHIND, READERS] = IS_ALL ? [60_000, 60] : [18_000, 20];

/** Resident memory of a gateway's process. */
async function residentBytes({ pid }: Gateway): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
}

onEachRuntime((runtime) => {
  describe(`${BEHIND} records of 1 kB behind 8 MB of memory`, () => {
    const COUNT = BEHIND;
    let topic!: Topic;
    let expected!: Buffer;
    let idleBytes!: number;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await writeNumbered(topic, 0, COUNT);
      expected = numberedBlocks(topic, 0, COUNT);
      const one = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { ...ONLY_RECORDS, FEED_MEMORY_MB: '8' },
      });
      idleBytes = await residentBytes(one);
      return one;
    });
    const open = (offset: number, blocks: Buffer): Promise<KnownStream> => {
      const url = `${gateway().http}/${topic.name}`;
      return KnownStream.open(url, blocks, offset === 0 ? '' : topic.cursor(offset));
    };

    test(`bounded memory serves ${READERS} clients that stop in the middle and go on later`, async () => {
      const first = COUNT / 3;
      const rest = numberedBlocks(topic, first, COUNT);
      await using streams = new StreamGroup();
      const clients: KnownStream[] = [];
      for (let i = 0; i < READERS; i++) clients.push(streams.add(await open(first, rest)));
      const readTo = (position: number): Promise<unknown> =>
        Promise.all(clients.map((client) => client.readTo(position, LONG_MS)));
      await readTo(rest.length / 2);
      // They are in nobody's way, and have all that the kernel buffers for them. What is garbage
      // is collected while others read.
      const isBounded = async (): Promise<boolean> => {
        await using other = await open(0, expected);
        await other.readTo(expected.length);
        return (await residentBytes(gateway())) - idleBytes < 150 * MB;
      };
      await eventually('memory of less than 150 MB above idle', isBounded);
      await readTo(rest.length);
    });

    test.each([0, COUNT / 2, COUNT - 1])('all from offset %d on comes', async (offset) => {
      const rest = numberedBlocks(topic, offset, COUNT);
      await using stream = await open(offset, rest);
      await stream.readTo(rest.length);
    });
  });
});

onRuntimesOfTier((runtime) => {
  describe('live records, many times as many as fit into memory', () => {
    const OLD = 5000;
    const COUNT = 15_000;
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await writeNumbered(topic, 0, OLD);
      return HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: { ...ONLY_RECORDS, FEED_MEMORY_MB: '1' },
      });
    });

    test('come whole to clients that are slow, and to one that sleeps', async () => {
      const url = `${gateway().http}/${topic.name}`;
      const all = numberedBlocks(topic, 0, COUNT);
      const live = all.subarray(numberedBlocks(topic, 0, OLD).length);
      await using fast = await KnownStream.open(url, live, topic.cursor(OLD));
      await using slow = await KnownStream.open(url, all);
      await using sleeper = await KnownStream.open(url, live, topic.cursor(OLD));
      const ROUNDS = 10;
      const records = (COUNT - OLD) / ROUNDS;
      for (let round = 0; round < ROUNDS; round++) {
        await writeNumbered(topic, OLD + round * records, OLD + (round + 1) * records);
        await slow.readTo((all.length / 2 / ROUNDS) * round);
        await fast.readTo((live.length / ROUNDS) * round);
        if (round === 1) await sleeper.readTo(live.length / ROUNDS);
      }
      await slow.readTo(all.length);
      for (const stream of [fast, sleeper]) await stream.readTo(live.length);
    });
  });

  describe('records of several partitions below memory', () => {
    const PARTITIONS = 3;
    const COUNT = 4000;
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ partitions: PARTITIONS });
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const lines = Array.from({ length: COUNT }, (_, n) =>
          `${partition} ${n} `.padEnd(300, 'x'),
        );
        await kcat(['-P', '-t', topic.name, '-p', String(partition)], lines.join('\n'));
      }
      const env = { FEED_MEMORY_MB: '1' };
      return HostedGateway.startReady(runtime, { topics: [topic.name], env });
    });

    function record(partition: number, offset: number): string {
      return `${partition} ${offset} `.padEnd(300, 'x');
    }

    /** Reads to the end from where an id says. @returns the ids that came */
    async function readFrom(id: string): Promise<string[]> {
      const next = new Map([0, 1, 2].map((partition) => [partition, 0]));
      for (const [partition, offset] of id === '' ? [] : cursorOffsets(id)) {
        next.set(partition, offset);
      }
      await using stream = await gateway().stream(`/${topic.name}`, {
        headers: { 'last-event-id': id },
      });
      const had = [...next.values()].reduce((sum, offset) => sum + offset, 0);
      const events = await stream.untilEvents(PARTITIONS * COUNT - had);
      const expected = events.map(({ data }) => {
        const partition = Number(data.split(' ')[0]);
        const offset = next.get(partition)!;
        next.set(partition, offset + 1);
        return [record(partition, offset), topic.cursorOf(next)];
      });
      expect(events.map(({ data, id: after }) => [data, after])).toEqual(expected);
      return events.map((event) => event.id);
    }

    test('come in order within each, with ids from which every rest comes', async () => {
      const ids = await readFrom('');
      for (let at = 0; at < ids.length; at += 2500) await readFrom(ids[at]!);
    });
  });

  describe('batches of every compression', () => {
    const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
    const EACH = 200;
    let topic!: Topic;
    const lines = CODECS.flatMap((codec) =>
      Array.from({ length: EACH }, (_, n) => `${codec} ${n}`),
    );
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      for (const codec of CODECS) {
        const own = lines.filter((line) => line.startsWith(codec));
        await kcat(['-P', '-t', topic.name, '-z', codec, '-X', 'linger.ms=200'], own.join('\n'));
      }
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each(CODECS.map((codec, at) => [codec, at * EACH + EACH / 2] as const))(
      'are read back from within one: %s',
      async (_, offset) => {
        await using stream = await gateway().stream(`/${topic.name}`, {
          headers: { 'last-event-id': topic.cursor(offset) },
        });
        const events = await stream.untilEvents(lines.length - offset);
        expect(events.map(({ data }) => data)).toEqual(lines.slice(offset));
      },
    );
  });
});
