import type { Worker } from 'node:cluster';
import { expect, test } from '@jest/globals';
import type { MetricValues } from '../process/prometheus.ts';
import { WorkerMetrics } from './worker_metrics.ts';

/** A counter as a worker tells it. */
function counter(values: { value: number; labels: object }[] | null): MetricValues {
  const metric = { help: 'help', name: 'counted', type: 'counter', values, aggregator: 'sum' };
  return [metric];
}

test('WorkerMetrics.text() adds up the workers that have ended, whatever one of them told', async () => {
  const metrics = new WorkerMetrics(() => []);
  const counted = (value: number): MetricValues => counter([{ value, labels: {} }]);
  for (const [id, values] of [counted(3), counter(null), counted(4)].entries()) {
    const worker = { id } as Worker;
    metrics.told(worker, 0, values);
    metrics.ended(worker);
  }
  expect((await metrics.text()).split('\n')).toContain('counted 7');
});
