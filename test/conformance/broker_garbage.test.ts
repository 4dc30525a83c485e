import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { expect } from '@jest/globals';
import { untilTold, untilWell, warnings } from '../support/broker_access.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { TestKafka, type Topic } from '../support/kafka.ts';
import { legacyMessage } from '../support/legacy_message.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { ProcessUse } from '../support/process_use.ts';
import { RUNTIMES, type Runtime } from '../support/runtimes.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';

/** Values that a stream got, by partition. */
function valuesOf({ events }: SseStream): string[] {
  return events.map(({ data }) => data).sort();
}

/** A way in of which the broker tells clients an address that leads nowhere. */
let misleading: number;
const broker = shared(async () => {
  misleading = await freePort();
  const told = { port: misleading, toldHost: 'kafka.invalid', toldPort: 30310 };
  return OwnKafka.start(await freePort(), told);
});
const kafka = shared(async () => new TestKafka(broker().brokers));

/** A topic of three partitions with four records each, one of them spoiled. */
async function spoiledTopic(compacted: boolean): Promise<Topic> {
  const topic = await kafka().createTopic({ compacted, partitions: 3 });
  for (const n of [0, 1, 2, 3]) {
    for (const partition of [0, 1, 2]) {
      const value = `${partition}-${n}`;
      await topic.produce({ key: value, value, partition });
    }
  }
  await broker().spoil(topic.name, 0, 2);
  return topic;
}

/** The client on Node looks at no checksum: see `confluent_config.ts`. */
async function expectAsTheyAre(runtime: Runtime, compacted: boolean): Promise<void> {
  const topic = await spoiledTopic(compacted);
  await using gateway = await Gateway.startReady(runtime, {
    topics: [topic.name],
    env: { KAFKA_BROKERS: broker().brokers },
  });
  await using stream = await gateway.stream(`/${topic.name}`);
  await stream.untilEvents(12);
  const written = [0, 1, 2].flatMap((p) => [0, 1, 2, 3].map((n) => `${p}-${n}`));
  const others = written.filter((value) => value !== '0-2');
  expect(valuesOf(stream)).toEqual(['0-3', ...others].sort());
}

/** That a compacted topic is not loaded then, `npm run test:all` looks at, too. */
for (const compacted of IS_ALL ? [false, true] : [false]) {
  testSideBySide(
    RUNTIMES,
    'records that are not what was written hold up their partition alone, are told, and come once ' +
      `they are well (on Node: come as they are): ${compacted}`,
    async (runtime) => {
      if (runtime.name === 'Node') return expectAsTheyAre(runtime, compacted);
      const topic = await spoiledTopic(compacted);
      await using gateway = await Gateway.start(runtime, {
        topics: [topic.name],
        env: { KAFKA_BROKERS: broker().brokers },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      const { status, brokers } = await untilTold(gateway, /^records /);
      const before = new ProcessUse(gateway);
      expect(brokers.up).toBe(true);
      expect(brokers.error).toContain(`topic ${topic.name}: partition 0 cannot be read from 2`);
      // A compacted topic is not loaded without them.
      expect(status).toBe(compacted ? 503 : 200);
      const well = ['0-0', '0-1', ...[0, 1, 2, 3].flatMap((n) => [`1-${n}`, `2-${n}`])].sort();
      if (!compacted) {
        await stream.untilEvents(well.length);
        expect(valuesOf(stream)).toEqual(well);
        await using live = await gateway.stream(`/${topic.name}?since=latest`);
        await live.until('its start', () => live.blocks.some(({ kind }) => kind === 'id'));
        await topic.produce({ key: 'l', value: '2-live', partition: 2 });
        await live.untilEvents(1);
      }
      await untilTold(gateway, /^records /);
      const use = new ProcessUse(gateway).since(before);
      expect(use.logLines).toBe(0);

      await broker().spoil(topic.name, 0, 2);
      await untilWell(gateway);
      const all = [...well, '0-2', '0-3', ...(compacted ? [] : ['2-live'])].sort();
      await stream.untilEvents(all.length);
      expect(valuesOf(stream)).toEqual(all);
      expect(warnings(gateway)).toEqual([expect.stringContaining(brokers.error!)]);
    },
  );
}

testSideBySide(
  RUNTIMES,
  'an address that leads nowhere is told by name where the brokers give it, and that KAFKA_BROKERS is right',
  async (runtime) => {
    const { name } = await kafka().createTopic({ compacted: true });
    await using gateway = await Gateway.start(runtime, {
      topics: [name],
      env: { KAFKA_BROKERS: `localhost:${misleading}` },
    });
    const words = /^advertised address: KAFKA_BROKERS is right.* kafka\.invalid:30310,.*ENOTFOUND/;
    const { status, brokers } = await untilTold(gateway, words);
    expect({ status, up: brokers.up }).toEqual({ status: 503, up: true });
    expect(warnings(gateway)).toEqual([expect.stringContaining(brokers.error!)]);
  },
);

/** Topics whose records were written in those formats. */
async function legacyTopics(): Promise<{ compacted: Topic; plain: Topic }> {
  const compacted = await kafka().createTopic({ compacted: true });
  const plain = await kafka().createTopic();
  const key = Buffer.from('k');
  const old = [0, 1].map((magic) =>
    legacyMessage(magic, { offset: magic, key, value: Buffer.from(`format ${magic}`) }),
  );
  const set = [2, 3].map((n) =>
    legacyMessage(1, { offset: n - 2, key: Buffer.of(n), value: Buffer.from(`packed ${n}`) }),
  );
  const packed = { offset: 3, value: gzipSync(Buffer.concat(set)), attributes: 1 };
  const log = Buffer.concat([...old, legacyMessage(1, packed)]);
  await broker().kill();
  for (const { name } of [compacted, plain]) await broker().rewrite(name, 0, log);
  await broker().start();
  return { compacted, plain };
}

/** What reads them has cases of its own: `legacy_batch.test.ts`, and the Confluent client's. */
const testOfAll: typeof testSideBySide = IS_ALL ? testSideBySide : () => {};

testOfAll(
  RUNTIMES,
  'records of the message formats before Kafka 0.11 come as others do',
  async (runtime, meet) => {
    const { compacted, plain } = await meet(legacyTopics);
    await using gateway = await Gateway.startReady(runtime, {
      topics: [compacted.name, plain.name],
      env: { KAFKA_BROKERS: broker().brokers },
    });
    await using latest = await gateway.stream(`/${compacted.name}`);
    await latest.untilEvents(3);
    expect(valuesOf(latest)).toEqual(['format 1', 'packed 2', 'packed 3']);
    await meet(() => plain.produce({ value: 'today' }));
    await using all = await gateway.stream(`/${plain.name}`);
    await all.untilEvents(5);
    const written = ['format 0', 'format 1', 'packed 2', 'packed 3', 'today'];
    expect(all.events.map(({ data }) => data)).toEqual(written);
    expect(all.events.at(-1)!.id).toBe(plain.cursor(5));
  },
);
