import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { untilTold, untilWell } from '../support/broker_access.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { KafkaCluster } from '../support/kafka_cluster.ts';
import { Load } from '../support/load.ts';
import { ProcessUse } from '../support/process_use.ts';
import { run } from '../support/program.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { Scrape } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { readLog, untilAllOf } from '../support/written_log.ts';

/** After others have taken its place. */
const FROZEN_MS = Number(process.env['FROZEN_SECONDS'] ?? '2') * 1000;
/** How long the tests' own client waits for a broker that is frozen. */
const REQUEST_MS = 3000;
/** Longer than the time from one look at a topic to the next. */
const LOOK_MS = 6000;
const LOOK_PAUSE_MS = 100;
const PARTITIONS = 3;

const cluster = shared(() => KafkaCluster.start());
let kafka!: TestKafka;
beforeAll(() => {
  kafka = new TestKafka(cluster().brokers, REQUEST_MS);
});
afterAll(() => kafka[Symbol.asyncDispose]());

/** The port of the leader of partition 0, once there is one other than `unlike`. */
function leaderOf({ name }: Topic, unlike?: number): Promise<number> {
  const ask = async (): Promise<number | null> => {
    const port = await kafka.leaderPort(name);
    return port === unlike ? null : port;
  };
  return eventually(`a leader other than ${unlike}`, ask);
}

/** What happens to the leader of partition 0. */
const FAULTS: Readonly<
  Record<string, (topic: Topic, streams: readonly SseStream[]) => Promise<void>>
> = {
  'the leader of a partition is killed, and leads it again later': async (topic) => {
    const first = await leaderOf(topic);
    await cluster().kill(first);
    const second = await leaderOf(topic, first);
    await cluster().start(first);
    await leaderOf(topic, second);
  },
  'the leader of a partition is frozen (SIGSTOP), and others lead it meanwhile': async (
    topic,
    streams,
  ) => {
    const first = await leaderOf(topic);
    cluster().freeze(first);
    try {
      const others = cluster().ports.filter((port) => port !== first);
      const brokers = others.map((port) => `localhost:${port}`).join();
      const write = ['kcat', '-b', brokers, '-P', '-t', topic.name, '-p', '0'] as const;
      expect(await run(write, { input: 'meanwhile' })).toMatchObject({ code: 0 });
      for (const stream of streams) {
        const isThere = (): boolean => stream.events.some(({ data }) => data.includes('meanwhile'));
        await stream.until('what came meanwhile', isThere);
      }
      await delay(FROZEN_MS);
    } finally {
      cluster().thaw(first);
    }
  },
  'one moves to a port that no setting names': async (topic) => {
    const first = await leaderOf(topic);
    await cluster().kill(first);
    const second = await leaderOf(topic, first);
    const port = await cluster().startElsewhere(first);
    expect(await leaderOf(topic, second)).toBe(port);
  },
  'all of them are killed, and come back': async () => {
    const { ports } = cluster();
    await Promise.all(ports.map((port) => cluster().kill(port)));
    await delay(2000);
    await Promise.all(ports.map((port) => cluster().start(port)));
  },
};

let load: Load | undefined;
afterEach(() => load?.stop());

for (const [name, fault] of Object.entries(FAULTS)) {
  const streams: SseStream[] = [];
  testSideBySide(
    RUNTIMES,
    `of several brokers, ${name}: no stream ends, no record is lost`,
    async (runtime, meet) => {
      const topic = await meet(() => kafka.createTopic({ partitions: PARTITIONS, replicas: 3 }));
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { KAFKA_BROKERS: cluster().brokers },
      });
      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      streams.push(stream);
      const writing = await meet(async () => {
        load = new Load(topic, PARTITIONS);
        return load;
      });
      await stream.untilEvents(10 * PARTITIONS);
      const before = new ProcessUse(gateway);
      const faultMs = await meet(() => msOf(() => fault(topic, streams)));
      const healMs = await msOf(async () => {
        await meet(async () => {
          const { acked } = writing;
          await eventually('records to be taken again', async () => writing.acked > acked);
          await writing.stop();
        });
        await untilAllOf(stream, () => readLog(cluster().brokers, topic.name));
      });
      const use = new ProcessUse(gateway).since(before);
      process.stderr.write(
        `tests: on ${runtime.name}, of several brokers, ${name}: took ${faultMs} ms, all records ` +
          `${healMs} ms later; ${JSON.stringify(use)}\n`,
      );
      await eventually('the brokers to be up', async () => {
        return (await gateway.readiness()).brokers.up;
      });
      expect(use.cpuShare).toBeLessThan(0.5);
      expect(use.logLines).toBeLessThan(12);
      expect(use.grownMb).toBeLessThan(64);
    },
  );
}

testSideBySide(
  RUNTIMES,
  'of several brokers, one that no other can stand in for is killed: it is told, and the others count as up',
  async (runtime, meet) => {
    const topic = await meet(() => kafka.createTopic({ partitions: PARTITIONS }));
    await using gateway = await Gateway.startReady(runtime, {
      topics: [topic.name],
      env: { KAFKA_BROKERS: cluster().brokers },
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    const first = await leaderOf(topic);
    await meet(() => cluster().kill(first));
    await untilTold(gateway, /has no leader/);
    // Over a look at the topic, of which some questions are answered and some are not.
    for (const start = performance.now(); performance.now() - start < LOOK_MS; ) {
      expect((await Scrape.of(gateway)).value('sse_kafka_broker_up')).toBe(1);
      expect((await gateway.readiness()).brokers.error).toMatch(/\w/);
      await delay(LOOK_PAUSE_MS);
    }
    await meet(() => cluster().start(first));
    await leaderOf(topic);
    await untilWell(gateway);
    await meet(() => topic.produce({ value: 'again' }));
    await stream.untilEvents(1);
  },
);

/** How long something takes, in milliseconds. */
async function msOf(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return Math.round(performance.now() - start);
}
