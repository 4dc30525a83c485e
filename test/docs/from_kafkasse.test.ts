import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { CountedSlots, createGateway, parseConfig } from '../../app/mod.ts';
import { MemoryKafka } from '../host/memory_kafka.ts';
import { MemorySource } from '../host/memory_source.ts';
import { eventually } from '../support/deadline.ts';
import { Page } from './pages.ts';

const record = (value: string, time: string) => ({
  partition: 0,
  timestamp: Date.parse(time),
  key: null,
  value: Buffer.from(value),
  headers: [],
});

test('the three lines of docs/from_kafkasse.md move a client of /a,b over by time', async () => {
  const kafka = new MemoryKafka();
  for (const [n, name] of ['a', 'b'].entries()) {
    kafka.create(name, `0${n}010101`, 1, { 'cleanup.policy': 'delete' });
    const times = ['2026-01-31T11:59:59Z', '2026-01-31T12:00:00Z', '2026-01-31T12:00:01Z'];
    kafka.produce(
      name,
      times.map((time) => record(`${name} ${time.slice(17, 19)}`, time)),
      false,
    );
  }
  const config = parseConfig({ KAFKA_BROKERS: 'memory:9092', TOPICS: 'a,b' });
  const slots = new CountedSlots({ maxConnections: 1, maxConnectionsPerIp: 0 });
  const gateway = createGateway(config, new MemorySource(kafka), new Map(), slots);
  const end = new AbortController();
  const running = gateway.run(end.signal);
  const connection = {
    address: '192.0.2.1',
    pendingBytes: 0,
    measureProgress: () => 0,
    letGo: () => {},
    cut: () => {},
  };
  const came: { topic: string; value: string }[] = [];
  class Here extends EventSource {
    constructor(url: string) {
      super(url, { fetch: async (to, init) => gateway.fetch(new Request(to, init), connection) });
    }
  }
  const [block] = new Page('docs/from_kafkasse.md').blocks;
  const run = new Function('EventSource', 'handle', `${block!.text}; return events;`);
  const events = run(Here, (event: (typeof came)[number]) => came.push(event)) as EventSource;
  await eventually('what came since', async () => came.length >= 4);
  expect(came.map(({ topic, value }) => `${topic}: ${value}`).toSorted()).toEqual([
    ...['a: a 00', 'a: a 01', 'b: b 00', 'b: b 01'],
  ]);
  events.close();
  end.abort();
  await running;
});
