import { expect } from '@jest/globals';
import {
  addressOf,
  newUser,
  scram,
  topicFor,
  untilTold,
  untilWell,
  warnings,
} from '../support/broker_access.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import type { GatewayClient, GatewaySettings } from '../support/gateway_client.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { type Right, SecuredKafka } from '../support/secured_kafka.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';

const secured = shared(SecuredKafka.start);
const kafka = shared(async () => new TestKafka(secured().brokers));

async function isCompacted(gateway: GatewayClient): Promise<boolean> {
  const { body } = await curl(`${gateway.http}/-/topics`);
  return JSON.parse(`${body}`).topics[0].compacted;
}

/** The settings of a gateway that signs in as this user. */
function settingsOf(user: string, ...topics: readonly string[]): GatewaySettings {
  return { topics, env: { ...scram(user), ...addressOf(secured(), 'SASL') } };
}

const LACKING: Readonly<Record<string, readonly Right[]>> = {
  'to read': ['DESCRIBE', 'DESCRIBE_CONFIGS'],
  'to describe': [],
};
for (const [lacking, rights] of Object.entries(LACKING)) {
  testSideBySide(
    RUNTIMES,
    `rights on a topic that are lacking are told, and are enough once they are given: ${lacking}`,
    async (runtime) => {
      const user = await newUser(secured());
      const topic = await topicFor(secured(), kafka());
      const other = await topicFor(secured(), kafka(), user);
      await topic.produce({ key: 'a', value: 'hello' });
      if (rights.length > 0) await secured().allow(user, topic.name, ...rights);
      await using gateway = await Gateway.start(runtime, settingsOf(user, topic.name, other.name));
      await using stream = await gateway.stream(`/${topic.name}`);
      const { status, missing, brokers } = await untilTold(gateway, /^authorization: /);
      expect({ status, up: brokers.up }).toEqual({ status: 503, up: true });
      expect(missing.join()).toContain(topic.name);
      expect(brokers.error).toContain(`topic ${topic.name}: allow READ and DESCRIBE_CONFIGS`);
      await other.produce({ key: 'a', value: 'served meanwhile' });
      await using served = await gateway.stream(`/${other.name}`);
      expect((await served.untilEvents(1))[0]!.data).toBe('served meanwhile');

      await secured().allow(user, topic.name, 'READ', 'DESCRIBE_CONFIGS');
      await untilWell(gateway);
      expect((await stream.untilEvents(1))[0]!.data).toBe('hello');
      expect(warnings(gateway)).toEqual([expect.stringContaining(brokers.error!)]);
    },
  );
}

testSideBySide(
  RUNTIMES,
  'rights on a topic that are taken away hold up the records until they are given again',
  async (runtime) => {
    const user = await newUser(secured());
    const topic = await topicFor(secured(), kafka(), user);
    await using gateway = await HostedGateway.startReady(runtime, settingsOf(user, topic.name));
    await using stream = await gateway.stream(`/${topic.name}`);
    await topic.produce({ key: 'a', value: 'before' });
    await stream.untilEvents(1);

    await secured().forbid(user, topic.name, 'READ');
    const { status, brokers } = await untilTold(gateway, /^authorization: /);
    expect({ status, up: brokers.up }).toEqual({ status: 200, up: true });
    await topic.produce({ key: 'b', value: 'meanwhile' });
    await secured().allow(user, topic.name, 'READ');
    await untilWell(gateway);
    const events = await stream.untilEvents(2);
    expect(events.map(({ data }) => data)).toEqual(['before', 'meanwhile']);
  },
);

testSideBySide(
  RUNTIMES,
  'rights on a topic that lack DESCRIBE_CONFIGS make it count as not compacted, with a warning',
  async (runtime) => {
    const user = await newUser(secured());
    const topic = await topicFor(secured(), kafka());
    await secured().allow(user, topic.name, 'READ');
    await topic.produce({ key: 'a', value: 'old' }, { key: 'a', value: 'new' });
    await using gateway = await Gateway.startReady(runtime, settingsOf(user, topic.name));
    await using stream = await gateway.stream(`/${topic.name}`);
    const events = await stream.untilEvents(2);
    expect(events.map(({ data }) => data)).toEqual(['old', 'new']);
    expect(await isCompacted(gateway)).toBe(false);
    expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
    expect(warnings(gateway)).toEqual([expect.stringContaining('DESCRIBE_CONFIGS')]);

    await secured().allow(user, topic.name, 'DESCRIBE_CONFIGS');
    await eventually('the policy to be read', () => isCompacted(gateway));
    await using late = await gateway.stream(`/${topic.name}`);
    expect((await late.untilEvents(1))[0]!.data).toBe('new');
  },
);
