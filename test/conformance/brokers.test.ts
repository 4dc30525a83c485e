import { afterAll, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Deaf, Silent } from '../support/deaf_servers.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { Relay } from '../support/relay.ts';
import { onEachRuntime, onRuntimesOfTier } from '../support/runtime.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';

/** The way to brokers that could not be reached. */
let relay: Relay | undefined;
afterAll(() => relay?.[Symbol.asyncDispose]());

testSideBySide(
  RUNTIMES,
  'brokers that cannot be reached hold up nothing but the records, which come when the brokers do',
  async (runtime, meet) => {
    const port = await meet(() => freePort());
    const name = await meet(async () => newName());
    await using gateway = await Gateway.start(runtime, {
      topics: [name],
      env: { KAFKA_BROKERS: `localhost:${port}`, HEARTBEAT_SECONDS: '1' },
    });
    await using stream = await gateway.stream(`/${name}`);
    await stream.until('the first block', () => stream.blocks.length > 0);
    await stream.until('a heartbeat', () => stream.blocks[1]?.kind === 'heartbeat');
    await gateway.says('brokers do not answer');
    expect((await curl(`${gateway.admin}/livez`)).status).toBe(200);
    const down = await gateway.readiness();
    expect(down).toMatchObject({ status: 503, ready: false, brokers: { up: false } });
    expect(down.missing.join()).toContain(name);
    expect(down.brokers.error).toMatch(/\w/);
    expect((await curl('-I', `${gateway.http}/${name}`)).status).toBe(200);
    expect((await curl(`${gateway.http}/index.html`)).status).toBe(200);
    const { body } = await curl(`${gateway.http}/-/topics`);
    expect(JSON.parse(`${body}`)).toEqual({
      topics: [
        { name, path: `/${name}`, compacted: null, deleteRetentionMs: null, value: 'bytes' },
      ],
    });

    const topic = await meet(async () => {
      relay = await Relay.startAt(port, Number(kafka.brokers.split(':')[1]));
      return kafka.createTopic({ name, compacted: true });
    });
    await meet(() => topic.produce({ key: 'k', value: 'late' }));
    const [event] = await stream.untilEvents(1);
    expect(event!.raw).toBe(`data:late\nid:${topic.cursor(1)}\n\n`);
    await gateway.untilReady();
    expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
  },
);

onEachRuntime((runtime) => {
  describe('brokers that cannot be reached', () => {
    let name!: string;
    const gateway = shared(async () => {
      name = newName();
      return Gateway.start(runtime, {
        topics: [name],
        env: { KAFKA_BROKERS: `localhost:${await freePort()}`, HEARTBEAT_SECONDS: '1' },
      });
    });

    test('let a client wait that comes with a cursor, of any kind', async () => {
      const ids = ['Ao8nEHQCAAI=', 'AQIAAg==', 'yesterday'];
      const check = async (id: string): Promise<void> => {
        await using stream = await gateway().stream(`/${name}`, {
          headers: { 'last-event-id': id },
        });
        await stream.until('a heartbeat', () => stream.blocks[1]?.kind === 'heartbeat');
        expect(stream.events).toEqual([]);
      };
      await Promise.all(ids.map(check));
    });

    test('do not keep the gateway from ending', async () => {
      expect(await gateway().stop()).toBe(0);
    });
  });

  describe('brokers of which only one can be reached', () => {
    test('are used within seconds, wherever it stands among them', async () => {
      await using deaf = await Deaf.start();
      await using silent = await Silent.start();
      const { name } = await kafka.createTopic({ compacted: true });
      const addresses = [`localhost:${deaf.port}`, `localhost:${silent.port}`, kafka.brokers];
      await using gateway = await HostedGateway.start(runtime, {
        topics: [name],
        env: { KAFKA_BROKERS: addresses.join() },
      });
      // One after the other they would take 18 s on Node, and 31 s on Deno.
      await eventually('/readyz to say 200', async () => (await gateway.readiness()).ready, 16_000);
    });
  });
});

onRuntimesOfTier((runtime) => {
  describe('a topic that does not exist yet', () => {
    let there!: Topic;
    const names = { compacted: newName(), plain: newName() };
    const gateway = shared(async () => {
      there = await kafka.createTopic();
      return HostedGateway.start(runtime, {
        topics: [there.name, ...Object.values(names)],
        env: { HEARTBEAT_SECONDS: '1' },
      });
    });

    test.each([{ compacted: false }, { compacted: true }])(
      'is waited for: $compacted',
      async ({ compacted }) => {
        const name = names[compacted ? 'compacted' : 'plain'];
        await using stream = await gateway().stream(`/${name}`);
        await stream.until('a heartbeat', () => stream.blocks[1]?.kind === 'heartbeat');
        const { status, missing, brokers } = await gateway().readiness();
        expect({ status, brokers }).toEqual({ status: 503, brokers: { up: true, error: null } });
        expect(missing.filter((text) => text.includes(name))).toHaveLength(1);
        expect(missing.join()).not.toContain(there.name);
        await there.produce({ value: 'served meanwhile' });
        await using other = await gateway().stream(`/${there.name}`);
        expect((await other.untilEvents(1))[0]!.data).toBe('served meanwhile');

        const topic = await kafka.createTopic({ name, compacted, partitions: 2 });
        await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2', partition: 1 });
        const events = await stream.untilEvents(2);
        expect(events.map(({ data }) => data).sort()).toEqual(['1', '2']);
        expect(events.at(-1)!.id).toBe(topic.cursor(1, 1));
        const after = await eventually('it to be missed no more', async () => {
          const readiness = await gateway().readiness();
          return !readiness.missing.join().includes(name) && readiness;
        });
        expect(after.status).toBe(after.missing.length === 0 ? 200 : 503);
      },
    );
  });
});
