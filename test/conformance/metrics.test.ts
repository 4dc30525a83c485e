import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, TestKafka, type Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { onEachRuntime, onRuntimesOfTier } from '../support/runtime.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';

const MB = 2 ** 20;
const DISCONNECTS = [
  ...['client', 'stalled', 'max_age', 'expired', 'config', 'kicked', 'drain', 'done', 'error'],
];
const REJECTIONS = ['max_connections', 'max_connections_per_ip', 'max_views', 'drain'];
const GAPS = [
  'retention',
  'recreated',
  'truncated',
  'unreadable-cursor',
  'deletes',
  'view',
  'unread',
];

/** How many streams ended, by the reasons for which any did. */
type Ends = Readonly<Record<string, number>>;

function endsOf(scrape: Scrape, topic: string): Ends {
  const counts = DISCONNECTS.map((reason) => {
    return [reason, scrape.value('sse_kafka_disconnects_total', { topic, reason })] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Whose readers can be slowed down. */
const broker = shared(async () => OwnKafka.start(await freePort()));

onRuntimesOfTier((runtime) => {
  const start = (
    topics: readonly Topic[],
    env: Record<string, string> = {},
  ): Promise<HostedGateway> =>
    HostedGateway.startReady(runtime, { topics: topics.map(({ name }) => name), env });

  describe('/metrics', () => {
    let topic!: Topic;
    let other!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ partitions: 2 });
      other = await kafka.createTopic({ compacted: true });
      return HostedGateway.startReady(runtime, { topics: [topic.name, other.name] });
    });

    test('has every series from the start, for the listed topics and fixed reasons', async () => {
      await using own = await start([topic, other]);
      const scrape = await Scrape.of(own);
      expect(scrape.contentType).toMatch(/^text\/plain; version=0\.0\.4(;|$)/);
      const topics = [topic.name, other.name];
      const each = (reasons: readonly string[]): object[] =>
        topics.flatMap((name) => reasons.map((reason) => ({ topic: name, reason })));
      const one = topics.map((name) => ({ topic: name }));
      const expected = {
        sse_kafka_connections: ['gauge', one],
        sse_kafka_connections_total: ['counter', one],
        sse_kafka_disconnects_total: ['counter', each(DISCONNECTS)],
        sse_kafka_rejected_total: ['counter', REJECTIONS.map((reason) => ({ reason }))],
        sse_kafka_merges_total: ['counter', [{ result: 'joined' }, { result: 'fell_back' }]],
        sse_kafka_records_total: ['counter', one],
        sse_kafka_events_sent_total: ['counter', one],
        sse_kafka_bytes_sent_total: ['counter', one],
        sse_kafka_uncompressed_bytes_sent_total: ['counter', one],
        sse_kafka_gaps_total: ['counter', each(GAPS)],
        sse_kafka_lag_records: [
          'gauge',
          [
            { topic: topic.name, partition: '0' },
            { topic: topic.name, partition: '1' },
            { topic: other.name, partition: '0' },
          ],
        ],
        sse_kafka_feed_bytes: ['gauge', one],
        sse_kafka_feed_records: ['gauge', one],
        sse_kafka_delivery_seconds: ['histogram', one],
        sse_kafka_views: ['gauge', one],
        sse_kafka_filter_records_total: [
          'counter',
          topics.flatMap((name) =>
            ['match', 'skip', 'error'].map((result) => ({ topic: name, result })),
          ),
        ],
        sse_kafka_broker_up: ['gauge', [{}]],
      };
      for (const [name, [type, labels]] of Object.entries(expected)) {
        expect([name, scrape.describe(name).type]).toEqual([name, type]);
        expect(scrape.describe(name).help).toMatch(/\w/);
        const found = scrape.series(name).map((series) => series.labels);
        expect([name, found]).toEqual([name, labels]);
        if (['sse_kafka_broker_up', 'sse_kafka_feed_bytes'].includes(name)) continue;
        for (const { value, count } of scrape.series(name)) expect(value ?? count).toBe(0);
      }
    });

    test('takes no label from what clients send', async () => {
      const before = await Scrape.of(gateway());
      for (const path of ['nowhere', `${topic.name}x`, `${topic.name}?format=xml`, 'a%22%0Ab']) {
        await curl(`${gateway().http}/${path}`);
      }
      await curl('-I', `${gateway().http}/${topic.name}`);
      await curl('-X', 'OPTIONS', `${gateway().http}/${topic.name}`);
      const after = await Scrape.of(gateway());
      for (const name of after.names.filter((name) => name.startsWith('sse_kafka_'))) {
        expect(after.series(name)).toEqual(before.series(name));
      }
    });

    test('sse_kafka_connections, _connections_total, _disconnects_total follow clients', async () => {
      await using own = await start([topic, other]);
      await using streams = new StreamGroup();
      const opened: SseStream[] = [];
      for (let i = 0; i < 3; i++) opened.push(streams.add(await own.stream(`/${topic.name}`)));
      await using h2 = new H2Session(own.https);
      const secure = await SseStream.open(`${own.https}/${topic.name}`, { h2: h2.session });
      opened.push(secure);
      await using stays = await own.stream(`/${other.name}`);
      for (const stream of [...opened, stays]) {
        await stream.until('the first block', () => stream.blocks.length > 0);
      }
      const counts = (scrape: Scrape, { name }: Topic): readonly [number, number, Ends] => [
        scrape.value('sse_kafka_connections', { topic: name }),
        scrape.value('sse_kafka_connections_total', { topic: name }),
        endsOf(scrape, name),
      ];
      const full = await Scrape.of(own);
      expect(counts(full, topic)).toEqual([4, 4, {}]);
      expect(counts(full, other)).toEqual([1, 1, {}]);
      opened[0]!.cut();
      secure.cut();
      const open = (scrape: Scrape): number => counts(scrape, topic)[0];
      const fewer = await untilScraped('two to be gone', own, (scrape) => open(scrape) === 2);
      expect(counts(fewer, topic)).toEqual([2, 4, { client: 2 }]);
      opened.push(streams.add(await own.stream(`/${topic.name}`)));
      for (const stream of opened) stream.cut();
      const none = await untilScraped('all to be gone', own, (scrape) => open(scrape) === 0);
      expect(counts(none, topic)).toEqual([0, 5, { client: 5 }]);
      expect(counts(none, other)).toEqual([1, 1, {}]);
    });

    test('sse_kafka_disconnects_total tells who was ended, and why', async () => {
      const { name, produce } = await kafka.createTopic();
      const open = (scrape: Scrape): number =>
        scrape.value('sse_kafka_connections', { topic: name });
      const isOver = (scrape: Scrape): boolean => open(scrape) === 0;
      await using aging = await HostedGateway.startReady(runtime, {
        topics: [name],
        env: { MAX_AGE_SECONDS: '1' },
      });
      await using old = await aging.stream(`/${name}`);
      await within('its end', old.over);
      const aged = await untilScraped('its end', aging, isOver);
      expect(endsOf(aged, name)).toEqual({ max_age: 1 });

      await using gateway = await Gateway.startReady(runtime, {
        topics: [name],
        env: { STALL_SECONDS: '1', DRAIN_SECONDS: '30' },
      });
      await using stalled = await gateway.stream(`/${name}`);
      await stalled.until('the first block', () => stalled.blocks.length > 0);
      stalled.pause();
      // More than all buffers take on the way to a client.
      for (let n = 0; n < 25; n++) await produce({ value: 'x'.repeat(900_000) });
      const cut = await untilScraped('the cut', gateway, isOver);
      expect(endsOf(cut, name)).toEqual({ stalled: 1 });

      await using streams = new StreamGroup();
      for (let n = 0; n < 30; n++) streams.add(await gateway.stream(`/${name}?since=latest`));
      gateway.kill('SIGTERM');
      await gateway.says('Draining');
      expect((await curl(`${gateway.http}/${name}`)).status).toBe(503);
      const drained = (scrape: Scrape): number => endsOf(scrape, name)['drain'] ?? 0;
      const hasBegun = (scrape: Scrape): boolean => drained(scrape) > 0;
      const draining = await untilScraped('the first end', gateway, hasBegun);
      expect(open(draining) + drained(draining)).toBe(30);
      expect(draining.value('sse_kafka_rejected_total', { reason: 'drain' })).toBe(1);
    });

    test('sse_kafka_rejected_total counts those who are not let in', async () => {
      await using own = await start([topic], {
        MAX_CONNECTIONS: '2',
        MAX_CONNECTIONS_PER_IP: '1',
        TRUST_PROXY: 'true',
      });
      const rejected = async (): Promise<number[]> => {
        const scrape = await Scrape.of(own);
        return REJECTIONS.map((reason) => scrape.value('sse_kafka_rejected_total', { reason }));
      };
      await using _first = await own.stream(`/${topic.name}`);
      expect((await curl(`${own.http}/${topic.name}`)).status).toBe(429);
      expect(await rejected()).toEqual([0, 1, 0, 0]);
      const eventSource = ['-H', 'Accept: text/event-stream', `${own.http}/${topic.name}`];
      expect((await curl(...eventSource)).status).toBe(200);
      expect(await rejected()).toEqual([0, 2, 0, 0]);
      expect((await curl('-I', `${own.http}/${topic.name}`)).status).toBe(200);
      expect(await rejected()).toEqual([0, 2, 0, 0]);
      const from = (address: string): string[] => ['-H', `X-Forwarded-For: ${address}`];
      await using _second = await own.stream(`/${topic.name}`, {
        headers: { 'x-forwarded-for': '192.0.2.1' },
      });
      const third = await curl(...from('192.0.2.2'), `${own.http}/${topic.name}`);
      expect(third.status).toBe(503);
      expect(await rejected()).toEqual([1, 2, 0, 0]);
    });
  });

  describe('what was read', () => {
    test('sse_kafka_records_total and _feed_records, _feed_bytes follow the reading', async () => {
      const compacted = await kafka.createTopic({ compacted: true });
      const plain = await kafka.createTopic();
      const keys = Array.from({ length: 30 }, (_, n) => ({ key: `${n % 3}`, value: `value ${n}` }));
      for (const topic of [compacted, plain]) await topic.produce(...keys);
      await using gateway = await start([compacted, plain], { FEED_MEMORY_MB: '1' });
      const read = (scrape: Scrape, { name }: Topic): number[] =>
        ['records_total', 'history_records_total', 'feed_records'].map((metric) =>
          scrape.value(`sse_kafka_${metric}`, { topic: name }),
        );
      const bytes = (scrape: Scrape, { name }: Topic): number =>
        scrape.value('sse_kafka_feed_bytes', { topic: name });
      const before = await Scrape.of(gateway);
      expect(read(before, compacted)).toEqual([30, 0, 3]);
      // The reader stood at the end.
      expect(read(before, plain)).toEqual([0, 0, 0]);
      await using stream = await gateway.stream(`/${plain.name}`);
      await stream.untilEvents(30);
      for (const topic of [compacted, plain]) await topic.produce({ key: '1', value: 'more' });
      await stream.untilEvents(31);
      await using other = await gateway.stream(`/${compacted.name}`);
      await other.until('the last record', () => other.events.some(({ data }) => data === 'more'));
      const after = await Scrape.of(gateway);
      expect(read(after, compacted)).toEqual([31, 0, 3]);
      expect(read(after, plain)).toEqual([1, 30, 31]);
      for (const topic of [compacted, plain]) {
        expect(bytes(after, topic)).toBeGreaterThan(0);
        expect(bytes(after, topic)).toBeLessThanOrEqual(MB);
      }
    });

    test('sse_kafka_lag_records is what is not read yet, and 0 once all is', async () => {
      const own = broker();
      await using ownKafka = new TestKafka(own.brokers);
      const topic = await ownKafka.createTopic({ partitions: 2, compacted: true });
      const COUNT = 30;
      // Each in a batch of its own, of which Kafka hands out whole ones only.
      for (let n = 0; n < COUNT; n++) await topic.produce({ key: 'k', value: 'x'.repeat(100_000) });
      const transaction = await topic.begin({ key: 't', value: 'committed' });
      await transaction.commit();
      await ownKafka.limitReading(50_000);
      await using gateway = await HostedGateway.start(runtime, {
        topics: [topic.name],
        env: { KAFKA_BROKERS: own.brokers },
      });
      const lag = (scrape: Scrape): number[] =>
        scrape
          .series('sse_kafka_lag_records')
          .map(({ labels, value }) => {
            expect(labels).toEqual({ topic: topic.name, partition: labels['partition'] });
            return [Number(labels['partition']), value!] as const;
          })
          .sort()
          .map(([partition, value], i) => {
            expect(partition).toBe(i);
            return value;
          });
      const behind = await untilScraped(
        'a part of the records',
        gateway,
        (scrape) => scrape.value('sse_kafka_records_total', { topic: topic.name }) > 0,
      );
      const read = behind.value('sse_kafka_records_total', { topic: topic.name });
      expect(read).toBeLessThan(COUNT);
      // The transaction's record and its marker are not read, either.
      expect(lag(behind)).toEqual([COUNT + 2 - read, 0]);
      await ownKafka.limitReading(null);
      const done = await untilScraped('no lag', gateway, (scrape) => !lag(scrape).some(Boolean));
      expect(lag(done)).toEqual([0, 0]);
      expect(done.value('sse_kafka_records_total', { topic: topic.name })).toBe(COUNT + 1);
    });
  });
});

onEachRuntime((runtime) => {
  test('/metrics has the metrics of the process', async () => {
    // Not hosted: what may be seen of a process depends on how it was started.
    await using gateway = await Gateway.start(runtime, { topics: [newName()] });
    const scrape = await Scrape.of(gateway);
    expect(scrape.names).toEqual(
      expect.arrayContaining([
        'process_cpu_seconds_total',
        'process_start_time_seconds',
        'process_resident_memory_bytes',
        'nodejs_eventloop_lag_seconds',
        'nodejs_heap_size_used_bytes',
      ]),
    );
    expect(scrape.value('process_resident_memory_bytes')).toBeGreaterThan(10 * MB);
    // Deno does not let them be seen, and then there is no 0 in their place.
    expect(scrape.names.includes('process_open_fds')).toBe(runtime.name === 'Node');
  });

  test('sse_kafka_broker_up is 0 while the brokers were never there', async () => {
    await using gateway = await HostedGateway.start(runtime, {
      topics: [newName()],
      env: { KAFKA_BROKERS: `localhost:${await freePort()}` },
    });
    // While they are away, and once they are back: broker_outages.test.ts.
    const isDown = (scrape: Scrape): boolean => scrape.value('sse_kafka_broker_up') === 0;
    await untilScraped('broker_up 0', gateway, isDown);
  });
});
