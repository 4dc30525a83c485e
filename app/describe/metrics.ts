/**
 * What `/metrics` tells. Values are read from where they are counted when somebody asks; a library
 * of the runtime's puts them into Prometheus' words. The names are a contract with dashboards and
 * alerts; `docs/metrics.md` explains each.
 *
 * @module
 */

import { SIGN_IN_RESULTS } from '../auth/identity.ts';
import type { SignIn } from '../auth/sign_in.ts';
import { DECODE_RESULTS, type DecodeCounts } from '../counts/decode_counts.ts';
import { DELIVERY_BOUNDS_MS } from '../counts/delivery_times.ts';
import type { StreamCounts } from '../counts/stream_counts.ts';
import type { Feed } from '../feed/feed.ts';
import type { BrokerStatus, RecordSource } from '../ports/source.ts';
import { END_REASONS, REFUSAL_REASONS } from '../ports/stream_observer.ts';
import { FILTER_RESULTS } from '../views/filter.ts';
import { GAP_REASONS } from '../wire/gap.ts';

/** What the values are read from. */
export interface Measured {
  readonly feeds: readonly MeasuredFeed[];
  readonly streams: StreamCounts;
  readonly source: Pick<RecordSource, 'status'>;
  /** Null where everybody may read. */
  readonly signIn: Pick<SignIn, 'counts' | 'keysAgeSeconds'> | null;
  /** Of topics whose values are read. */
  readonly decoding: DecodeCounts;
  /** Null where there is none. */
  readonly registry: { readonly status: BrokerStatus } | null;
  /** What came of streams files that were read again; counted by whoever reads them. */
  readonly reloads: { ok: number; faulty: number };
}

/** What a certificate is shown for. */
export type CertificateUse = 'https' | 'kafka';

/** What is known of the process that measures. */
export interface ProcessFacts {
  readonly version: string;
  readonly runtime: string;
  /** When each that is in use ends, in seconds of Unix time. */
  certificateExpiries(): ReadonlyMap<CertificateUse, number>;
}

type MeasuredFeed = Pick<Feed, 'topic' | 'traffic' | 'log' | 'ends' | 'history' | 'views'>;

/** Labels by name; the topics that are served, partitions and fixed reasons: never a client's words. */
export type Labels = Readonly<Record<string, string>>;

/** How often which size was seen. */
export interface Buckets {
  /** One more than there are bounds; not cumulative. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What becomes of the values of several workers. */
  readonly merge: 'sum' | 'max' | 'min';
}

/** A metric of single values. */
export interface ValueMetric extends Described {
  readonly type: 'counter' | 'gauge';
  values(measured: Measured, facts: ProcessFacts): readonly (readonly [Labels, number])[];
}

/** A metric of sizes that are sorted into buckets. */
export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  /** Upper bounds, ascending; the last bucket has none. */
  readonly bounds: readonly number[];
  values(measured: Measured): readonly (readonly [Labels, Buckets])[];
}

/** Puts what is measured into the text that `/metrics` answers with. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Every metric of the gateway itself. */
export const METRICS: readonly (ValueMetric | HistogramMetric)[] = [
  {
    name: 'sse_kafka_connections',
    help: 'Streams that are open.',
    type: 'gauge',
    labels: ['topic'],
    merge: 'sum',
    values: ({ streams }) =>
      [...streams.byTopic].map(([topic, { opened, closed }]) => [
        { topic },
        Object.values(closed).reduce((open, count) => open - count, opened),
      ]),
  },
  {
    name: 'sse_kafka_connections_total',
    help: 'Streams that were opened.',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: ({ streams }) => [...streams.byTopic].map(([topic, { opened }]) => [{ topic }, opened]),
  },
  {
    name: 'sse_kafka_disconnects_total',
    help: `Streams that are over: ${END_REASONS.join(', ').replace('client', 'client (it went)')}.`,
    type: 'counter',
    labels: ['topic', 'reason'],
    merge: 'sum',
    values: ({ streams }) =>
      [...streams.byTopic].flatMap(([topic, { closed }]) =>
        Object.entries(closed).map(([reason, count]) => [{ topic, reason }, count] as const),
      ),
  },
  {
    name: 'sse_kafka_rejected_total',
    help: `Streams that were not let in: ${REFUSAL_REASONS.join(', ')}.`,
    type: 'counter',
    labels: ['reason'],
    merge: 'sum',
    values: ({ streams }) =>
      Object.entries(streams.refusals).map(([reason, count]) => [{ reason }, count]),
  },
  {
    name: 'sse_kafka_merges_total',
    help: 'Streams of several topics that joined those who are live, which are merged once for all, or fell_back behind them.',
    type: 'counter',
    labels: ['result'],
    merge: 'sum',
    values: ({ streams }) =>
      Object.entries(streams.merges).map(([result, count]) => [{ result }, count]),
  },
  {
    name: 'sse_kafka_records_total',
    help: 'Records that the reader of the topic got from Kafka.',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ traffic }) => traffic.recordsRead),
  },
  {
    name: 'sse_kafka_history_records_total',
    help: 'Records that were read back from Kafka for clients below memory.',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ traffic }) => traffic.recordsReadBack),
  },
  {
    name: 'sse_kafka_events_sent_total',
    help: 'Events handed to sockets, each once for each client: records, deletes, gap, live, place, stale, fresh and expired.',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ traffic }) => traffic.eventsSent),
  },
  {
    name: 'sse_kafka_bytes_sent_total',
    help: 'Bytes of streams handed to sockets, heartbeats too, before TLS and framing.',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ traffic }) => traffic.bytesSent),
  },
  {
    name: 'sse_kafka_uncompressed_bytes_sent_total',
    help: 'The same before compression (COMPRESSION).',
    type: 'counter',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ traffic }) => traffic.plainBytesSent),
  },
  {
    name: 'sse_kafka_gaps_total',
    help: `Gap events told to clients: ${GAP_REASONS.join(', ')}.`,
    type: 'counter',
    labels: ['topic', 'reason'],
    merge: 'sum',
    values: ({ feeds }) =>
      feeds.flatMap(({ topic, traffic }) =>
        Object.entries(traffic.gapsSent).map(
          ([reason, count]) => [{ topic, reason }, count] as const,
        ),
      ),
  },
  {
    name: 'sse_kafka_lag_records',
    help: 'Offsets between the last stable offset, as seen within some seconds, and the reading.',
    type: 'gauge',
    labels: ['topic', 'partition'],
    // The worker that is behind most: all of them read everything.
    merge: 'max',
    values: ({ feeds }) =>
      feeds.flatMap((feed) =>
        lagOf(feed).map((lag, partition) => {
          return [{ topic: feed.topic, partition: String(partition) }, lag] as const;
        }),
      ),
  },
  {
    name: 'sse_kafka_feed_bytes',
    help: 'Bytes of records, their blocks, and records read back that are in memory.',
    type: 'gauge',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ log, history }) => (log === null ? 0 : log.bytes + history.blocks.bytes)),
  },
  {
    name: 'sse_kafka_feed_records',
    help: 'Records in memory, those read back for clients below it among them.',
    type: 'gauge',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ log, history }) =>
      log === null ? 0 : log.records + history.blocks.records,
    ),
  },
  {
    name: 'sse_kafka_delivery_seconds',
    help: 'From the timestamp of a live record until it was handed to a socket, for each client.',
    type: 'histogram',
    labels: ['topic'],
    merge: 'sum',
    bounds: DELIVERY_BOUNDS_MS.map((ms) => ms / 1000),
    values: ({ feeds }) =>
      feeds.map(({ topic, traffic }) => {
        const { counts, sumMs } = traffic.deliveryTimes.read();
        return [{ topic }, { counts, sum: sumMs / 1000 }];
      }),
  },
  {
    name: 'sse_kafka_views',
    help: 'Different filters and beats, each with its format, with which streams are open.',
    type: 'gauge',
    labels: ['topic'],
    merge: 'sum',
    values: byTopic(({ views }) => views.size),
  },
  {
    name: 'sse_kafka_filter_records_total',
    help: `Records that filters looked at, each once for each filter: ${FILTER_RESULTS.join(', ')}.`,
    type: 'counter',
    labels: ['topic', 'result'],
    merge: 'sum',
    values: ({ feeds }) =>
      feeds.flatMap(({ topic, traffic }) =>
        FILTER_RESULTS.map((result) => [{ topic, result }, traffic.filterRecords[result]] as const),
      ),
  },
  {
    name: 'sse_kafka_broker_up',
    help: '1 while the brokers answer, 0 while they do not or refuse the login.',
    type: 'gauge',
    labels: [],
    merge: 'min',
    values: ({ source }) => [[{}, source.status().up ? 1 : 0]],
  },
  {
    name: 'sse_kafka_build_info',
    help: 'Always 1: which version runs, and on what.',
    type: 'gauge',
    labels: ['version', 'runtime'],
    merge: 'max',
    values: (_measured, { version, runtime }) => [[{ version, runtime }, 1]],
  },
  {
    name: 'sse_kafka_certificate_expiry_timestamp_seconds',
    help: 'When the certificate ends that is shown to clients, and to the brokers.',
    type: 'gauge',
    labels: ['use'],
    merge: 'min',
    values: (_measured, facts) =>
      [...facts.certificateExpiries()].map(([use, seconds]) => [{ use }, seconds]),
  },
  {
    name: 'sse_kafka_sign_ins_total',
    help: `What came of requests that have to be signed in: ${SIGN_IN_RESULTS.join(', ')}.`,
    type: 'counter',
    labels: ['result'],
    merge: 'sum',
    values: ({ signIn }) =>
      SIGN_IN_RESULTS.map((result) => [{ result }, signIn?.counts[result] ?? 0] as const),
  },
  {
    name: 'sse_kafka_sign_in_keys_age_seconds',
    help: 'Since the keys that tokens are verified with were last heard of.',
    type: 'gauge',
    labels: [],
    merge: 'max',
    values: ({ signIn }) => {
      const age = signIn?.keysAgeSeconds ?? null;
      return age === null ? [] : [[{}, age]];
    },
  },
  {
    name: 'sse_kafka_decode_total',
    help: `Values that were read, once for all clients of a format: ${DECODE_RESULTS.join(', ')}.`,
    type: 'counter',
    labels: ['topic', 'result'],
    merge: 'sum',
    values: ({ decoding }) =>
      [...decoding.byTopic].flatMap(([topic, counts]) =>
        Object.entries(counts).map(([result, count]) => [{ topic, result }, count] as const),
      ),
  },
  {
    name: 'sse_kafka_registry_up',
    help: '1 while the schema registry answers, 0 while it does not.',
    type: 'gauge',
    labels: [],
    merge: 'min',
    values: ({ registry }) => (registry === null ? [] : [[{}, registry.status.up ? 1 : 0]]),
  },
  {
    name: 'sse_kafka_config_reloads_total',
    help: 'Streams files that were read again: ok, faulty (the one before stays).',
    type: 'counter',
    labels: ['result'],
    // Each worker is told of each.
    merge: 'max',
    values: ({ reloads }) =>
      Object.entries(reloads).map(([result, count]) => [{ result }, count] as const),
  },
];

function byTopic(value: (feed: MeasuredFeed) => number): ValueMetric['values'] {
  return ({ feeds }) => feeds.map((feed) => [{ topic: feed.topic }, value(feed)]);
}

/** By partition; an end that was seen before the reading passed it is no lag. */
function lagOf({ log, ends }: MeasuredFeed): number[] {
  return Array.from(log?.positions ?? [], (position, partition) =>
    Math.max(0, (ends.get(partition) ?? position) - position),
  );
}
