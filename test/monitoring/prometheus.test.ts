import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { FakeRegistry } from '../support/fake_registry.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { Issuer } from '../support/issuer.ts';
import { TestKafka } from '../support/kafka.ts';
import { NumberedLoad } from '../support/numbered_load.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { draw, hasData, QUERIES } from './panels.ts';
import { Prometheus } from './prometheus.ts';

const CASE_MS = 600_000;
jest.setTimeout(CASE_MS);

/** Those whose streams are open all the time; one more is full. */
const READERS = 9;

describe('a Prometheus that reads /metrics', () => {
  const port = shared(async () => {
    const free = await freePort();
    return { free, [Symbol.asyncDispose]: async () => {} };
  });
  const broker = shared(() => OwnKafka.start(port().free));
  const issuer = shared(() => Issuer.start());
  const registry = shared(() => FakeRegistry.start());

  onEachRuntime((runtime) => {
    test('has data for every query of the dashboard, and fires alerts by their faults alone', async () => {
      await using kafka = new TestKafka(`localhost:${port().free}`);
      const topic = await kafka.createTopic({ name: `prices-${runtime.name}` });
      const file = join(await newFolder(), 'streams.yaml');
      const orders = await kafka.createTopic({ name: `orders-${runtime.name}` });
      const streams = `topics: { ${topic.name}: { value: registry, require: "true" }, ${orders.name}: { require: "true" } }`;
      await writeFile(file, streams);
      const env = {
        KAFKA_BROKERS: `localhost:${port().free}`,
        STREAMS_FILE: file,
        REGISTRY_URL: registry().url,
        MAX_CONNECTIONS: `${READERS + 1}`,
        ...issuer().env,
      };
      await using gateway = await Gateway.startReady(runtime, { env });
      const target = new URL(gateway.admin).host;
      await using prometheus = await Prometheus.start([target]);
      const authorization = `Bearer ${await issuer().token({ sub: 'operator' })}`;
      await using _ = await gateway.stream(`/${topic.name}?key=1`, {
        headers: { authorization },
      });
      const begin = Date.now() / 1000;
      await using readers = new StreamGroup();
      for (let n = 0; n < READERS; n++)
        readers.add(await gateway.stream(`/${orders.name}`, { headers: { authorization } }));
      const load = new NumberedLoad(orders);

      for (const { title, expr } of QUERIES) {
        await eventually(`${title} to have data`, async () => {
          await topic.produce({ key: '1', value: '{}' });
          return hasData(prometheus, expr);
        });
      }
      // The value is none of the registry's, and the certificate of tests is young.
      await prometheus.until('SseKafkaValuesUnread', true);
      const others = async (): Promise<string[]> => {
        const all = await prometheus.query('ALERTS{alertstate="firing"}');
        const names = all.map(({ metric }) => metric['alertname']!);
        return names.filter((name) => name !== 'SseKafkaValuesUnread');
      };
      expect(await others()).toEqual([]);

      const full = await fetch(`${gateway.http}/${topic.name}`, { headers: { authorization } });
      expect(full.status).toBe(503);
      await prometheus.until('SseKafkaFull', true);
      await prometheus.until('SseKafkaFull', false);

      await writeFile(file, `${streams}\nnonsense: 1`);
      await prometheus.until('SseKafkaStreamsFileFaulty', true);
      await writeFile(file, streams);
      await prometheus.until('SseKafkaStreamsFileFaulty', false);

      await kafka.deleteTopic(topic.name);
      const anew = await kafka.createTopic({ name: topic.name });
      await prometheus.until('SseKafkaTopicRecreated', true);
      await prometheus.until('SseKafkaTopicRecreated', false);

      registry().temper = 503;
      await anew.produce({ key: '1', value: Uint8Array.of(0, 0, 0, 0, 99) });
      await prometheus.until('SseKafkaRegistryDown', true);
      registry().temper = 'good';
      await prometheus.until('SseKafkaRegistryDown', false);

      await load.stop();
      await broker().kill();
      await prometheus.until('SseKafkaBrokersDown', true);
      await broker().start();
      await prometheus.until('SseKafkaBrokersDown', false);

      await gateway.stop();
      await prometheus.until('SseKafkaGatewayAbsent', true);
      await gateway.start();
      await prometheus.until('SseKafkaGatewayAbsent', false);
      await draw(prometheus, begin, `dashboard_${runtime.name.toLowerCase()}.svg`);
    });
  });
});
