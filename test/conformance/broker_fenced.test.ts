import { afterAll } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { API, inFrames, withoutBrokers, withoutLeader } from '../support/kafka_frames.ts';
import { OwnKafka, type Relayed } from '../support/own_kafka.ts';
import { Relay } from '../support/relay.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';

const ANSWERS = 3;

/** A way in of its own for each runtime. */
const relays = new Map<string, Relay>();
const broker = shared(async () => {
  const relayed: Relayed[] = [];
  for (const { name } of RUNTIMES) {
    const port = await freePort();
    const relay = await Relay.start(port);
    relays.set(name, relay);
    relayed.push({ port, toldPort: relay.port });
  }
  return OwnKafka.start(await freePort(), ...relayed);
});
const kafka = shared(async () => new TestKafka(broker().brokers));
afterAll(() => Promise.all([...relays.values()].map((relay) => relay[Symbol.asyncDispose]())));

/**
 * A single broker that hung for a moment names none at all. The Confluent client forgets all that
 * it knows then, and tries nothing any more: https://github.com/confluentinc/librdkafka/issues/5301
 */
testSideBySide(
  RUNTIMES,
  'a broker that its controller has fenced is read again, as soon as it is back',
  async (runtime) => {
    const relay = relays.get(runtime.name)!;
    let isFenced = false;
    let brokerless = 0;
    relay.way = inFrames((frame, api) => {
      if (!isFenced) return frame;
      if (api === API.fetch) return withoutLeader(frame);
      if (api !== API.metadata) return frame;
      brokerless++;
      return withoutBrokers(frame);
    });
    const topic = await kafka().createTopic();
    await topic.produce({ value: 'before' });
    await using gateway = await HostedGateway.startReady(runtime, {
      topics: [topic.name],
      env: { KAFKA_BROKERS: `localhost:${relay.port}` },
    });
    await using stream = await gateway.stream(`/${topic.name}`);
    await stream.untilEvents(1);
    isFenced = true;
    await topic.produce({ value: 'meanwhile' });
    await eventually('answers without a broker', async () => brokerless >= ANSWERS);
    isFenced = false;
    await stream.untilEvents(2);
    await topic.produce({ value: 'after' });
    await stream.untilEvents(3);
    await eventually('all to be well', async () => {
      return (await gateway.readiness()).brokers.error === null;
    });
  },
);
