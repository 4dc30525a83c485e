/**
 * The dashboard for Grafana, `helm/gateway/dashboards/sse-kafka.json`: what users get, where it
 * hurts, what it costs. Written anew by `node helm/dashboard.mjs`, after `npm run build`; what a
 * panel shows is told in the words of `/metrics`.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ name: string, help: string }} Metric
 * @typedef {{ title: string, unit: string, of: string, lines: Record<string, string> }} Panel
 *   `of`: the metric that it is about; `lines`: queries by the name of their line
 * @typedef {{ h: number, w: number, x: number, y: number }} Place
 * @typedef {{ expr: string, legendFormat: string }} Target
 * @typedef {{ type: string, title: string, gridPos: Place, fieldConfig?: { defaults: { unit: string } }, targets?: Target[] }} DrawnPanel
 *   as Grafana has it, as far as it is looked at
 */

const TOPIC = '{topic=~"$topic"}';
const RATE = '[$__rate_interval]';
/** What the process tells under names that other programs have, too: of gateways alone. */
const OF_GATEWAYS = 'and on (job, instance) sse_kafka_build_info';

/**
 * @param {string} metric
 * @param {string} by
 */
const rateOf = (metric, by) => `sum by (${by}) (rate(${metric}${TOPIC}${RATE}))`;
/** @param {number} quantile */
const deliveryQuantile = (quantile) =>
  `histogram_quantile(${quantile}, sum by (le) (rate(sse_kafka_delivery_seconds_bucket${TOPIC}${RATE})))`;

/** @type {Record<string, Panel[]>} */
const ROWS = {
  'What users get': [
    {
      title: 'Open streams',
      unit: 'short',
      of: 'sse_kafka_connections',
      lines: { '{{topic}}': `sum by (topic) (sse_kafka_connections${TOPIC})` },
    },
    {
      title: 'Deliveries a second',
      unit: 'short',
      of: 'sse_kafka_events_sent_total',
      lines: { '{{topic}}': rateOf('sse_kafka_events_sent_total', 'topic') },
    },
    {
      title: 'From the record to the client',
      unit: 's',
      of: 'sse_kafka_delivery_seconds',
      lines: { 'half within': deliveryQuantile(0.5), '99 of 100 within': deliveryQuantile(0.99) },
    },
    {
      title: 'Gaps told, a second',
      unit: 'short',
      of: 'sse_kafka_gaps_total',
      lines: { '{{topic}} {{reason}}': rateOf('sse_kafka_gaps_total', 'topic, reason') },
    },
    {
      title: 'Streams not let in, a second',
      unit: 'short',
      of: 'sse_kafka_rejected_total',
      lines: { '{{reason}}': `sum by (reason) (rate(sse_kafka_rejected_total${RATE}))` },
    },
    {
      title: 'Sign-ins a second',
      unit: 'short',
      of: 'sse_kafka_sign_ins_total',
      lines: { '{{result}}': `sum by (result) (rate(sse_kafka_sign_ins_total${RATE}))` },
    },
  ],
  'Where it hurts': [
    {
      title: 'Brokers answer',
      unit: 'bool_yes_no',
      of: 'sse_kafka_broker_up',
      lines: { '{{instance}}': 'sse_kafka_broker_up' },
    },
    {
      title: 'Behind Kafka, in records',
      unit: 'short',
      of: 'sse_kafka_lag_records',
      lines: { '{{topic}}': `max by (topic) (sse_kafka_lag_records${TOPIC})` },
    },
    {
      title: 'Streams opened a second',
      unit: 'short',
      of: 'sse_kafka_connections_total',
      lines: { '{{topic}}': rateOf('sse_kafka_connections_total', 'topic') },
    },
    {
      title: 'Streams ended a second',
      unit: 'short',
      of: 'sse_kafka_disconnects_total',
      lines: { '{{reason}}': rateOf('sse_kafka_disconnects_total', 'reason') },
    },
    {
      title: 'Records read back a second',
      unit: 'short',
      of: 'sse_kafka_history_records_total',
      lines: { '{{topic}}': rateOf('sse_kafka_history_records_total', 'topic') },
    },
    {
      title: 'Values read a second',
      unit: 'short',
      of: 'sse_kafka_decode_total',
      lines: { '{{topic}} {{result}}': rateOf('sse_kafka_decode_total', 'topic, result') },
    },
    {
      title: 'The schema registry answers',
      unit: 'bool_yes_no',
      of: 'sse_kafka_registry_up',
      lines: { '{{instance}}': 'sse_kafka_registry_up' },
    },
    {
      title: "Age of the issuer's keys",
      unit: 's',
      of: 'sse_kafka_sign_in_keys_age_seconds',
      lines: { '{{instance}}': 'sse_kafka_sign_in_keys_age_seconds' },
    },
    {
      title: 'Streams files read',
      unit: 'short',
      of: 'sse_kafka_config_reloads_total',
      lines: { '{{instance}} {{result}}': 'sse_kafka_config_reloads_total' },
    },
    {
      title: 'Certificates end in',
      unit: 's',
      of: 'sse_kafka_certificate_expiry_timestamp_seconds',
      lines: {
        '{{instance}} {{use}}': 'sse_kafka_certificate_expiry_timestamp_seconds - time()',
      },
    },
  ],
  'What it costs': [
    {
      title: 'CPU, in cores',
      unit: 'short',
      of: 'sse_kafka_build_info',
      lines: { '{{instance}}': `rate(process_cpu_seconds_total${RATE}) ${OF_GATEWAYS}` },
    },
    {
      title: 'CPU a million deliveries',
      unit: 's',
      of: 'sse_kafka_events_sent_total',
      lines: {
        seconds: `1e6 * sum(rate(process_cpu_seconds_total${RATE}) ${OF_GATEWAYS}) / sum(rate(sse_kafka_events_sent_total${RATE}))`,
      },
    },
    {
      title: 'Memory',
      unit: 'bytes',
      of: 'sse_kafka_build_info',
      lines: { '{{instance}}': `process_resident_memory_bytes ${OF_GATEWAYS}` },
    },
    {
      title: 'Sent a second',
      unit: 'Bps',
      of: 'sse_kafka_bytes_sent_total',
      lines: {
        '{{topic}}': rateOf('sse_kafka_bytes_sent_total', 'topic'),
        '{{topic}} before compression': rateOf('sse_kafka_uncompressed_bytes_sent_total', 'topic'),
      },
    },
    {
      title: 'Records from Kafka a second',
      unit: 'short',
      of: 'sse_kafka_records_total',
      lines: { '{{topic}}': rateOf('sse_kafka_records_total', 'topic') },
    },
    {
      title: 'Bytes in memory',
      unit: 'bytes',
      of: 'sse_kafka_feed_bytes',
      lines: { '{{topic}}': `sum by (topic) (sse_kafka_feed_bytes${TOPIC})` },
    },
    {
      title: 'Records in memory',
      unit: 'short',
      of: 'sse_kafka_feed_records',
      lines: { '{{topic}}': `sum by (topic) (sse_kafka_feed_records${TOPIC})` },
    },
    {
      title: 'Views',
      unit: 'short',
      of: 'sse_kafka_views',
      lines: { '{{topic}}': `sum by (topic) (sse_kafka_views${TOPIC})` },
    },
    {
      title: 'Records that filters looked at, a second',
      unit: 'short',
      of: 'sse_kafka_filter_records_total',
      lines: { '{{topic}} {{result}}': rateOf('sse_kafka_filter_records_total', 'topic, result') },
    },
    {
      title: 'Streams of several topics that join and fall back, a second',
      unit: 'short',
      of: 'sse_kafka_merges_total',
      lines: { '{{result}}': `sum by (result) (rate(sse_kafka_merges_total${RATE}))` },
    },
    {
      title: 'Delay of the event loop',
      unit: 's',
      of: 'sse_kafka_build_info',
      lines: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds ${OF_GATEWAYS}` },
    },
  ],
};

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const COLUMNS = 24;
const WIDTH = 8;
const HEIGHT = 7;

/**
 * @param {readonly Metric[]} metrics those of the gateway: what they are called and count
 * @returns {Record<string, unknown> & { panels: DrawnPanel[] }} as Grafana 9 and later imports it
 */
export function dashboard(metrics) {
  const panels = [];
  let y = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
      panels: [],
    });
    y++;
    for (const [index, panel] of row.entries()) {
      const x = (index * WIDTH) % COLUMNS;
      if (index > 0 && x === 0) y += HEIGHT;
      panels.push(graph(panel, metrics, { h: HEIGHT, w: WIDTH, x, y }));
    }
    y += HEIGHT;
  }
  return {
    uid: 'sse-kafka',
    title: 'Kafka to browsers',
    description: 'Gateways that stream Kafka topics as Server-Sent Events: docs/metrics.md.',
    tags: ['kafka', 'sse'],
    schemaVersion: 37,
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'topic',
          label: 'Topic',
          type: 'query',
          datasource: DATASOURCE,
          query: 'label_values(sse_kafka_connections, topic)',
          refresh: 2,
          includeAll: true,
          multi: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
}

/**
 * @param {Panel} panel
 * @param {readonly Metric[]} metrics
 * @param {Place} gridPos
 */
function graph({ title, unit, of, lines }, metrics, gridPos) {
  const about = metrics.find(({ name }) => name === of);
  if (about === undefined) throw new Error(`${title}: there is no metric ${of}`);
  const targets = Object.entries(lines).map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: DATASOURCE,
    expr,
    legendFormat,
  }));
  const defaults = { unit, min: 0 };
  return {
    type: 'timeseries',
    title,
    description: of === 'sse_kafka_build_info' ? '' : about.help,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults, overrides: [] },
    targets,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { METRICS } = await import(
    new URL('../dist/app/describe/metrics.js', import.meta.url).href
  );
  const file = new URL('gateway/dashboards/sse-kafka.json', import.meta.url);
  await writeFile(file, `${JSON.stringify(dashboard(METRICS), null, 2)}\n`);
}
