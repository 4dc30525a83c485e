import { readdirSync, readFileSync } from 'node:fs';
import perf from 'node:perf_hooks';
import { describe, expect, jest, test } from '@jest/globals';
import { DecodeCounts } from '../../app/counts/decode_counts.ts';
import { StreamCounts } from '../../app/counts/stream_counts.ts';
import { Traffic } from '../../app/counts/traffic.ts';
import { METRICS, type Measured } from '../../app/describe/metrics.ts';
import { HistoryPool } from '../../app/history/history_pool.ts';
import { ReaderSlots } from '../../app/history/reader_slots.ts';
import { Log } from '../../app/log/log.ts';
import type { RecordSource } from '../../app/ports/source.ts';
import { OpenViews } from '../../app/views/open_views.ts';
import { exposeMetrics, mergeMetrics } from './prometheus.ts';

const TOPIC = 'events';

interface Shape {
  readonly clients: number;
  readonly read: readonly number[];
  readonly ends: readonly number[];
  /** In milliseconds. */
  readonly delivered: readonly number[];
  readonly up: boolean;
}

/** What a process measures in which all of this has happened. */
function measured({ clients, read, ends, delivered, up }: Shape): Measured {
  const traffic = new Traffic();
  for (const ms of delivered) traffic.deliveryTimes.add(Float64Array.of(1000), 1000 + ms);
  const id = new Uint8Array(4);
  const policy = { compacted: false, deletes: true, deleteRetentionMs: null };
  const description = { name: TOPIC, id, partitions: read.length, ...policy };
  const common = { topicId: id, maxBytes: 2 ** 20 };
  const start = Float64Array.from(read);
  const log = new Log({ ...common, topic: TOPIC, start, keys: null, clock: null });
  const source = { status: () => ({ up, error: null }) };
  const feed = {
    topic: TOPIC,
    traffic,
    log,
    ends: new Map(ends.entries()),
    views: new OpenViews(1),
    // It asks for nothing until a client does.
    history: new HistoryPool({
      ...common,
      log,
      topic: description,
      source: source as RecordSource,
      traffic,
      slots: new ReaderSlots(1),
    }),
  };
  const streams = new StreamCounts();
  streams.addTopic(TOPIC);
  for (let i = 0; i < clients; i++) streams.opened(TOPIC);
  streams.closed(TOPIC, 'stalled');
  return {
    feeds: [feed],
    streams,
    source,
    signIn: null,
    decoding: new DecodeCounts(),
    registry: null,
    reloads: { ok: 0, faulty: 0 },
  };
}

const FACTS = {
  version: '1.2.3',
  runtime: 'node',
  certificateExpiries: () => new Map([['https', 1_800_000_000]] as const),
} as const;

const ONE = { clients: 5, read: [7, 9], ends: [10, 9], delivered: [3, 4, 70_000], up: true };
const OTHER = { clients: 2, read: [9, 4], ends: [10, 8], delivered: [3], up: false };

/** Lines of the gateway's own metrics that are not 0, without comments. */
async function linesOf(exposition: { text(): Promise<string> }): Promise<string[]> {
  const lines = (await exposition.text()).split('\n');
  return lines.filter((line) => /^sse_kafka_(?!feed_bytes)/.test(line) && !line.endsWith(' 0'));
}

describe('exposeMetrics()', () => {
  test('exposeMetrics() gives what is measured, buckets added up', async () => {
    const lines = await linesOf(exposeMetrics(measured(ONE), FACTS));
    const bucket = (le: string, count: number): string =>
      `sse_kafka_delivery_seconds_bucket{topic="events",le="${le}"} ${count}`;
    const bounds = ['0.01', '0.02', '0.05', '0.1', '0.2', '0.5', '1', '2', '5', '10', '30', '60'];
    expect(lines).toEqual([
      'sse_kafka_connections{topic="events"} 4',
      'sse_kafka_connections_total{topic="events"} 5',
      'sse_kafka_disconnects_total{topic="events",reason="stalled"} 1',
      'sse_kafka_lag_records{topic="events",partition="0"} 3',
      ...['0.005', ...bounds].map((le) => bucket(le, 2)),
      bucket('+Inf', 3),
      'sse_kafka_delivery_seconds_sum{topic="events"} 70.007',
      'sse_kafka_delivery_seconds_count{topic="events"} 3',
      'sse_kafka_broker_up 1',
      'sse_kafka_build_info{version="1.2.3",runtime="node"} 1',
      'sse_kafka_certificate_expiry_timestamp_seconds{use="https"} 1800000000',
    ]);
  });

  test('exposeMetrics() gives the same when it is asked again', async () => {
    const metrics = exposeMetrics(measured(ONE), FACTS);
    const first = await linesOf(metrics);
    expect(await linesOf(metrics)).toEqual(first);
    expect(await linesOf(metrics)).toEqual(first);
  });

  test('exposeMetrics() of a topic that is not known yet has no partition, all else with 0', async () => {
    const { feeds, ...rest } = measured(ONE);
    const feed = { ...feeds[0]!, traffic: new Traffic(), log: null };
    const text = await exposeMetrics({ ...rest, feeds: [feed] }, FACTS).text();
    expect(text).not.toMatch(/^sse_kafka_lag_records\{/m);
    for (const name of ['feed_bytes', 'feed_records', 'records_total', 'delivery_seconds_count']) {
      expect(text).toContain(`sse_kafka_${name}{topic="events"} 0\n`);
    }
  });

  test('exposeMetrics() keeps a hostile topic within its label', async () => {
    // Kafka allows none of these; what is written has to hold all the same.
    const topic = 'a"} 1\nb\\';
    const streams = new StreamCounts();
    streams.addTopic(topic);
    const text = await exposeMetrics({ ...measured(ONE), streams }, FACTS).text();
    expect(text).toContain('sse_kafka_connections{topic="a\\"} 1\\nb\\\\"} 0\n');
  });

  test('exposeMetrics() lists no handles of the process: of thousands that takes too long', async () => {
    const text = await exposeMetrics(measured(ONE), FACTS).text();
    expect(text).toMatch(/^process_open_fds \d+$/m);
    expect(text).not.toContain('nodejs_active_');
  });
});

describe('exposeProcess()', () => {
  test('has the process woken 20 times a second at the most, whatever it has, to look at its event loop', async () => {
    const monitor = jest.spyOn(perf, 'monitorEventLoopDelay');
    jest.resetModules();
    const fresh = await import('./prometheus.ts');
    const all = [
      fresh.exposeProcess(),
      ...[ONE, OTHER].map((shape) => fresh.exposeMetrics(measured(shape), FACTS)),
    ];
    expect(monitor.mock.calls.map(([options]) => options!.resolution!)).toEqual([50]);
    monitor.mockRestore();
    for (const { text } of all) expect(await text()).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });
});

describe('mergeMetrics()', () => {
  test('mergeMetrics() adds up, but for the largest lag, the lowest broker_up and the one build', async () => {
    const all = await Promise.all(
      [ONE, OTHER].map(async (shape) => {
        const values = await exposeMetrics(measured(shape), FACTS).values();
        // They come from another process.
        return JSON.parse(JSON.stringify(values)) as typeof values;
      }),
    );
    const merged = mergeMetrics(all);
    const lines = await linesOf(merged);
    expect(lines.filter((line) => !line.includes('_bucket'))).toEqual([
      'sse_kafka_connections{topic="events"} 5',
      'sse_kafka_connections_total{topic="events"} 7',
      'sse_kafka_disconnects_total{topic="events",reason="stalled"} 2',
      'sse_kafka_lag_records{topic="events",partition="0"} 3',
      'sse_kafka_lag_records{topic="events",partition="1"} 4',
      'sse_kafka_delivery_seconds_sum{topic="events"} 70.01',
      'sse_kafka_delivery_seconds_count{topic="events"} 4',
      'sse_kafka_build_info{version="1.2.3",runtime="node"} 1',
      'sse_kafka_certificate_expiry_timestamp_seconds{use="https"} 1800000000',
    ]);
    expect(lines).toContain('sse_kafka_delivery_seconds_bucket{topic="events",le="0.005"} 3');
    expect(lines).toContain('sse_kafka_delivery_seconds_bucket{topic="events",le="+Inf"} 4');
    const text = await merged.text();
    expect(text).toContain('# TYPE sse_kafka_broker_up gauge\nsse_kafka_broker_up 0\n');
    for (const { name, type } of METRICS) expect(text).toContain(`# TYPE ${name} ${type}\n`);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^process_start_time_seconds \d+$/m);
  });
});

describe('docs/metrics.md', () => {
  test('docs/metrics.md names every metric of METRICS, its labels and its type', () => {
    const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \|/gm)];
    expect(rows.map(([, name, labels = '', type]) => [name, labels, type])).toEqual(
      METRICS.map(({ name, labels, type }) => [name, labels.join(), type]),
    );
  });

  test('docs/*.md and README.md name no metric that there is not', () => {
    const known = new Set(METRICS.map(({ name }) => name));
    const root = new URL('../../', import.meta.url);
    const docs = readdirSync(new URL('docs/', root))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`);
    for (const file of ['README.md', ...docs]) {
      const named = readFileSync(new URL(file, root), 'utf8').match(/\bsse_kafka_\w+/g) ?? [];
      const unknown = named.filter((name) => !known.has(name.replace(/_bucket$/, '')));
      expect([file, unknown]).toEqual([file, []]);
    }
  });

  test('docs/metrics.md names every value of reason that there is', async () => {
    const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const exposed = await exposeMetrics(measured(ONE), FACTS).text();
    for (const [, name, reason] of exposed.matchAll(/^(\w+)\{.*reason="([^"]+)"/gm)) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${name}{`));
      expect([name, row]).toEqual([name, expect.stringContaining(`\`${reason}\``)]);
    }
  });
});
