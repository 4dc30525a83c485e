import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { KafkaCluster } from '../support/kafka_cluster.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { Scrape } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';

/** Before the gateways begin, and as many while they run. */
const RECORDS = 300;
const AT_ONCE = 50;
const VALUE = 'x'.repeat(10_000);
const BYTES = RECORDS * VALUE.length * RUNTIMES.length;

const cluster = shared(() => KafkaCluster.start({ relayed: true }));
let kafka!: TestKafka;
beforeAll(() => {
  kafka = new TestKafka(cluster().brokers);
});
afterAll(() => kafka[Symbol.asyncDispose]());

/** A topic that all brokers have, its leader, and a broker that is not. */
async function replicatedTopic(): Promise<{ topic: Topic; leader: number; near: number }> {
  const topic = await kafka.createTopic({ replicas: 3 });
  const leader = await eventually('a leader', () => kafka.leaderPort(topic.name));
  return { topic, leader, near: cluster().ports.find((port) => port !== leader)! };
}

testSideBySide(
  RUNTIMES,
  'in zones of which the gateway names one: records come from the broker there, from others while it is down',
  async (runtime, meet) => {
    const { topic, leader, near } = await meet(replicatedTopic);
    // A batch of them all would be larger than Kafka takes.
    const values = Array.from({ length: AT_ONCE }, () => ({ value: VALUE }));
    const produce = async (): Promise<void> => {
      for (let n = 0; n < RECORDS; n += AT_ONCE) await topic.produce(...values);
    };
    const passed = async (): Promise<{ near: number; leader: number }> => ({
      near: cluster().passed(near),
      leader: cluster().passed(leader),
    });
    const expectNear = async (before: { near: number; leader: number }): Promise<void> => {
      const now = await meet(passed);
      expect(now.near - before.near).toBeGreaterThan(BYTES);
      expect(now.leader - before.leader).toBeLessThan(BYTES * 0.05);
    };

    await meet(produce);
    await using gateway = await Gateway.startReady(runtime, {
      topics: [topic.name],
      env: { KAFKA_BROKERS: cluster().relayedBrokers, KAFKA_RACK: cluster().rack(near) },
    });
    // What was there before is below memory.
    const atStart = await meet(passed);
    await using stream = await gateway.stream(`/${topic.name}`);
    await stream.untilEvents(RECORDS);
    await expectNear(atStart);

    const live = await meet(passed);
    await meet(produce);
    await stream.untilEvents(2 * RECORDS);
    await expectNear(live);

    await meet(() => cluster().kill(near));
    await meet(() => topic.produce({ value: 'meanwhile' }));
    await stream.untilEvents(2 * RECORDS + 1);
    await using late = await gateway.stream(`/${topic.name}`);
    await late.untilEvents(2 * RECORDS + 1);
    await meet(() => cluster().start(near));
    await meet(() => topic.produce({ value: 'after' }));
    for (const one of [stream, late]) {
      const events = await one.untilEvents(2 * RECORDS + 2);
      const last = events.slice(2 * RECORDS).map(({ data }) => data);
      expect(last).toEqual(['meanwhile', 'after']);
      expect(one.events.filter(({ event }) => event === 'gap')).toEqual([]);
    }
  },
);

/** One by one, so that each is a read of its own. */
const SINGLE = 100;

testSideBySide(
  RUNTIMES,
  'in zones: how much later records come from the replica of a zone than from their leader is told',
  async (runtime, meet) => {
    const { topic, near } = await meet(replicatedTopic);
    const startWith = (env: Readonly<Record<string, string>>): Promise<Gateway> =>
      Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { KAFKA_BROKERS: cluster().relayedBrokers, ...env },
      });
    await using ofLeader = await startWith({});
    await using ofReplica = await startWith({ KAFKA_RACK: cluster().rack(near) });
    const gateways = [ofLeader, ofReplica] as const;
    const streams = await Promise.all(gateways.map((one) => one.stream(`/${topic.name}`)));
    await meet(async () => {
      for (let n = 0; n < SINGLE; n++) {
        await topic.produce({ value: `${n}` });
        await delay(50);
      }
    });
    for (const stream of streams) {
      await stream.untilEvents(SINGLE);
      await stream[Symbol.asyncDispose]();
    }
    const [fromLeader, fromReplica] = await Promise.all(gateways.map(meanDeliveryMs));
    process.stderr.write(
      `rack: a record takes ${fromReplica} ms from a replica and ${fromLeader} ms from the leader, on ${runtime.name}\n`,
    );
  },
);

async function meanDeliveryMs(gateway: Gateway): Promise<string> {
  const scrape = await Scrape.of(gateway);
  const { sum = 0, count = 0 } = scrape.series('sse_kafka_delivery_seconds')[0]!;
  return ((sum / count) * 1000).toFixed(1);
}
