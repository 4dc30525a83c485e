/**
 * The metrics of `app/describe/metrics.ts` and those of the process in Prometheus' words, by
 * prom-client, on both runtimes.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  type Metric,
  Registry,
} from 'prom-client';
import {
  type Exposition,
  type HistogramMetric,
  type Labels,
  METRICS,
  type Measured,
  type ProcessFacts,
  type ValueMetric,
} from '../../app/describe/metrics.ts';

/**
 * Lists of every open connection: with 5,000 of them these hold up all streams for some 20 ms each
 * time, and say no more than `sse_kafka_connections`.
 */
const DEAR_METRICS = ['handles', 'requests', 'resources'].flatMap((kind) => [
  `nodejs_active_${kind}`,
  `nodejs_active_${kind}_total`,
]);

/** Would be 0 for ever without `/proc`, which Deno lets be read only by who may do everything. */
const PROC_METRICS = [
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
];

/** Metrics with their values as plain objects, which may be sent to another process. */
export type MetricValues = { readonly type: string }[];

/** What is measured in one process, or in several. */
export interface ProcessMetrics extends Exposition {
  values(): Promise<MetricValues>;
}

export function exposeMetrics(measured: Measured, facts: ProcessFacts): ProcessMetrics {
  const register = new Registry();
  for (const metric of METRICS) {
    if (metric.type === 'histogram') addHistogram(register, metric, measured);
    else addValues(register, metric, () => metric.values(measured, facts));
  }
  addProcess(register);
  return exposition(register);
}

/** Of a process that has no gateway. */
export function exposeProcess(): ProcessMetrics {
  const register = new Registry();
  addProcess(register);
  return exposition(register);
}

/** The metrics of several processes as one. */
export function mergeMetrics(values: readonly MetricValues[]): ProcessMetrics {
  return exposition(AggregatorRegistry.aggregate([...values]));
}

function exposition(register: Registry): ProcessMetrics {
  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    // The library's types call it a number.
    values: () =>
      register.getMetricsAsJSON() as Promise<{ type: unknown }[]> as Promise<MetricValues>,
  };
}

function addValues(
  register: Registry,
  metric: ValueMetric,
  read: () => ReturnType<ValueMetric['values']>,
): void {
  const { name, help, type, labels, merge } = metric;
  const shape = { name, help, labelNames: labels, aggregator: merge, registers: [register] };
  if (type === 'gauge') {
    new Gauge({
      ...shape,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
    return;
  }
  new Counter({
    ...shape,
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}

/**
 * How often the delay of the event loop is looked at. By default 100 times a second, for which a process
 * that has nothing to do is woken: 0.5 % of a core, in each worker.
 */
const LOOP_DELAY_MS = 50;

let ofProcess: Registry | null = null;

/** A process is looked at once, and as long as it lives, however many gateways come and go in it. */
function addProcess(register: Registry): void {
  ofProcess ??= measureProcess();
  const metrics = ofProcess.getMetricsAsArray() as unknown as readonly Metric[];
  for (const metric of metrics) register.registerMetric(metric);
}

function measureProcess(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: LOOP_DELAY_MS });
  for (const name of DEAR_METRICS) register.removeSingleMetric(name);
  // Left out where several processes become one, by default.
  Object.assign(register.getSingleMetric('process_start_time_seconds')!, { aggregator: 'min' });
  if (canRead('/proc/self/status')) return register;
  for (const name of PROC_METRICS) register.removeSingleMetric(name);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers: [register],
    collect() {
      this.set(process.memoryUsage().rss);
    },
  });
  return register;
}

function canRead(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

/** prom-client's own takes one observation at a time; this one has been counted already. */
function addHistogram(register: Registry, metric: HistogramMetric, measured: Measured): void {
  const { name, help, type, merge, bounds, values } = metric;
  const read = async (): Promise<object> => ({
    name,
    help,
    type,
    aggregator: merge,
    values: values(measured).flatMap(([labels, { counts, sum }]) => {
      let count = 0;
      const bucket = (le: number | string, i: number): object => {
        count += counts[i]!;
        return sample(`${name}_bucket`, { ...labels, le: String(le) }, count);
      };
      return [
        ...[...bounds, '+Inf'].map(bucket),
        sample(`${name}_sum`, labels, sum),
        sample(`${name}_count`, labels, count),
      ];
    }),
  });
  // What `AggregatorRegistry.aggregate` registers is of this kind, too.
  register.registerMetric({ name, help, type, aggregator: merge, get: read } as unknown as Metric);
}

function sample(metricName: string, labels: Labels, value: number): object {
  return { metricName, labels, value };
}
