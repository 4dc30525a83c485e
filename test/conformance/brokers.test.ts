import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Deaf, Silent } from '../support/deaf_servers.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, TestKafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';

onEachRuntime((runtime) => {
  describe('brokers that cannot be reached', () => {
    test('hold up nothing but the records, which come when the brokers do', async () => {
      const port = await freePort();
      const name = newName();
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
        topics: [{ name, path: `/${name}`, compacted: null, deleteRetentionMs: null }],
      });

      await using _broker = await OwnKafka.start(port);
      await using own = new TestKafka(`localhost:${port}`);
      const topic = await own.createTopic({ name, compacted: true });
      await topic.produce({ key: 'k', value: 'late' });
      const [event] = await stream.untilEvents(1);
      expect(event!.raw).toBe(`data:late\nid:${topic.cursor(1)}\n\n`);
      await gateway.untilReady();
      expect((await gateway.readiness()).brokers).toEqual({ up: true, error: null });
    });

    test('let a client wait that comes with a cursor, of any kind', async () => {
      const name = newName();
      await using gateway = await Gateway.start(runtime, {
        topics: [name],
        env: { KAFKA_BROKERS: `localhost:${await freePort()}`, HEARTBEAT_SECONDS: '1' },
      });
      for (const id of ['Ao8nEHQCAAI=', 'AQIAAg==', 'yesterday']) {
        await using stream = await gateway.stream(`/${name}`, { headers: { 'last-event-id': id } });
        await stream.until('a heartbeat', () => stream.blocks[1]?.kind === 'heartbeat');
        expect(stream.events).toEqual([]);
      }
    });

    test('do not keep the gateway from ending', async () => {
      await using gateway = await Gateway.start(runtime, {
        topics: [newName()],
        env: { KAFKA_BROKERS: `localhost:${await freePort()}` },
      });
      expect(await gateway.stop()).toBe(0);
    });
  });

  describe('brokers of which only one can be reached', () => {
    test('are used within seconds, wherever it stands among them', async () => {
      await using deaf = await Deaf.start();
      await using silent = await Silent.start();
      const { name } = await kafka.createTopic({ compacted: true });
      const addresses = [`localhost:${deaf.port}`, `localhost:${silent.port}`, kafka.brokers];
      await using gateway = await Gateway.start(runtime, {
        topics: [name],
        env: { KAFKA_BROKERS: addresses.join() },
      });
      // One after the other they would take 18 s on Node, and 31 s on Deno.
      await eventually(
        () => `/readyz to say 200; the gateway said ${gateway.stderr}`,
        async () => (await gateway.readiness()).ready,
        12_000,
      );
    });
  });

  describe('a topic that does not exist yet', () => {
    test.each([{ compacted: false }, { compacted: true }])(
      'is waited for: $compacted',
      async ({ compacted }) => {
        const there = await kafka.createTopic();
        const name = newName();
        await using gateway = await Gateway.start(runtime, {
          topics: [there.name, name],
          env: { HEARTBEAT_SECONDS: '1' },
        });
        await using stream = await gateway.stream(`/${name}`);
        await stream.until('a heartbeat', () => stream.blocks[1]?.kind === 'heartbeat');
        const { status, missing, brokers } = await gateway.readiness();
        expect({ status, brokers }).toEqual({ status: 503, brokers: { up: true, error: null } });
        expect(missing).toHaveLength(1);
        expect(missing[0]).toContain(name);
        await there.produce({ value: 'served meanwhile' });
        await using other = await gateway.stream(`/${there.name}`);
        expect((await other.untilEvents(1))[0]!.data).toBe('served meanwhile');

        const topic = await kafka.createTopic({ name, compacted, partitions: 2 });
        await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2', partition: 1 });
        const events = await stream.untilEvents(2);
        expect(events.map(({ data }) => data).sort()).toEqual(['1', '2']);
        expect(events.at(-1)!.id).toBe(topic.cursor(1, 1));
        await gateway.untilReady();
      },
    );
  });
});
