import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from '@jest/globals';
import { run } from '../support/program.ts';

/** A look a minute: what is seen, when the alert fires, and when it does not any more. */
interface Course {
  readonly alert: string;
  /** In promtool's notation, by series. */
  readonly series: Readonly<Record<string, string>>;
  readonly quietAt?: string;
  readonly firesAt: string;
  readonly overAt: string;
}

const GATEWAY = 'job="gateways",instance="a:9091"';
/** What is counted at the third minute, and never again. */
const ONCE = '0x2 3x40';

const COURSES: readonly Course[] = [
  {
    alert: 'SseKafkaGatewayAbsent',
    series: { [`sse_kafka_build_info{${GATEWAY},version="1",runtime="node"}`]: '_x6 1x10' },
    quietAt: '1m',
    firesAt: '4m',
    overAt: '8m',
  },
  {
    alert: 'SseKafkaBrokersDown',
    series: { [`sse_kafka_broker_up{${GATEWAY}}`]: '1 0x5 1x5' },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '8m',
  },
  {
    alert: 'SseKafkaLag',
    series: {
      [`sse_kafka_lag_records{${GATEWAY},topic="t",partition="0"}`]: '0 5000x5 0x5',
      [`sse_kafka_lag_records{${GATEWAY},topic="t",partition="1"}`]: '0x11',
      [`sse_kafka_broker_up{${GATEWAY}}`]: '1x11',
    },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '8m',
  },
  {
    alert: 'SseKafkaLateDelivery',
    series: {
      [`sse_kafka_delivery_seconds_bucket{${GATEWAY},topic="t",le="1"}`]: '0x14 0+100x20',
      [`sse_kafka_delivery_seconds_bucket{${GATEWAY},topic="t",le="10"}`]: '0+100x34',
      [`sse_kafka_delivery_seconds_bucket{${GATEWAY},topic="t",le="+Inf"}`]: '0+100x34',
    },
    quietAt: '3m',
    firesAt: '10m',
    overAt: '30m',
  },
  {
    alert: 'SseKafkaRecordsLost',
    series: { [`sse_kafka_gaps_total{${GATEWAY},topic="t",reason="retention"}`]: ONCE },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaTopicRecreated',
    series: { [`sse_kafka_gaps_total{${GATEWAY},topic="t",reason="recreated"}`]: ONCE },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaFull',
    series: { [`sse_kafka_rejected_total{${GATEWAY},reason="max_connections"}`]: ONCE },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '15m',
  },
  {
    alert: 'SseKafkaSlowClients',
    series: {
      [`sse_kafka_disconnects_total{${GATEWAY},topic="t",reason="stalled"}`]: '0x2 200x40',
      [`sse_kafka_connections{${GATEWAY},topic="t"}`]: '1000x42',
    },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaManyReadBack',
    series: {
      [`sse_kafka_history_records_total{${GATEWAY},topic="t"}`]: '0+600000x25 15000000x20',
      [`sse_kafka_records_total{${GATEWAY},topic="t"}`]: '0+6000x45',
    },
    quietAt: '10m',
    firesAt: '20m',
    overAt: '40m',
  },
  {
    alert: 'SseKafkaSignInKeysOld',
    series: { [`sse_kafka_sign_in_keys_age_seconds{${GATEWAY}}`]: '60 4000x10 60x5' },
    quietAt: '3m',
    firesAt: '8m',
    overAt: '13m',
  },
  {
    alert: 'SseKafkaStreamsFileFaulty',
    series: { [`sse_kafka_config_reloads_total{${GATEWAY},result="faulty"}`]: ONCE },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaRegistryDown',
    series: { [`sse_kafka_registry_up{${GATEWAY}}`]: '1 0x10 1x5' },
    quietAt: '3m',
    firesAt: '8m',
    overAt: '13m',
  },
  {
    alert: 'SseKafkaValuesUnread',
    series: {
      [`sse_kafka_decode_total{${GATEWAY},topic="t",result="malformed"}`]: ONCE,
      [`sse_kafka_decode_total{${GATEWAY},topic="t",result="ok"}`]: '0+100x40',
    },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaFault',
    series: { [`sse_kafka_disconnects_total{${GATEWAY},topic="t",reason="error"}`]: ONCE },
    quietAt: '2m',
    firesAt: '4m',
    overAt: '25m',
  },
  {
    alert: 'SseKafkaCertificateEnds',
    series: {
      [`sse_kafka_certificate_expiry_timestamp_seconds{${GATEWAY},use="https"}`]:
        '86400x5 8640000x5',
    },
    firesAt: '2m',
    overAt: '8m',
  },
];

test('alerts.yaml fires each alert at its fault, and ends it (promtool test rules)', async () => {
  const folder = await mkdtemp(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'rules-'));
  const rules = new URL('../../helm/gateway/alerts.yaml', import.meta.url).pathname;
  const file = join(folder, 'rules_test.yaml');
  const tests = COURSES.map(({ alert, series, quietAt, firesAt, overAt }) => {
    const expr = `count(ALERTS{alertname="${alert}",alertstate="firing"})`;
    const isQuiet = (eval_time: string) => ({ expr, eval_time, exp_samples: [] });
    return {
      name: alert,
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        ...(quietAt === undefined ? [] : [isQuiet(quietAt)]),
        { expr, eval_time: firesAt, exp_samples: [{ labels: '{}', value: 1 }] },
        isQuiet(overAt),
      ],
    };
  });
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
  const { code, stdout, stderr } = await run(['promtool', 'test', 'rules', file]);
  expect([code, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('SUCCESS')]);
});
