import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { getLogger } from '@logtape/logtape';
import type { Config } from '../../app/config.ts';
import { createAdmin } from '../../app/http/health.ts';
import { kafkaConnection } from '../kafka/connection.ts';
import { withEmbeddedKafka } from '../kafka/embedded/with_embedded_kafka.ts';
import { Listeners } from '../listeners.ts';
import { logStart, type RuntimeAdapter } from '../serving.ts';
import { onSignals } from '../signals.ts';
import { runWorker } from './worker.ts';
import { WorkerPool } from './worker_pool.ts';

const logger = getLogger(['sse-kafka']);

/**
 * `WORKERS` processes that share the ports, each with a feed of its own. The primary process has
 * the admin port, the embedded Kafka and the signals, and no stream.
 */
export async function runWorkers(adapter: RuntimeAdapter, config: Config): Promise<void> {
  if (cluster.isWorker) return runWorker(adapter, config);
  logStart(adapter, config);
  const count = config.workers === 'auto' ? availableParallelism() : config.workers;
  const pool = new WorkerPool(config, count);
  const stopped = new AbortController();
  onSignals({
    drain: () => {
      logger.info(`Draining for up to ${config.drainSeconds} s`);
      stopped.abort();
      pool.drain();
    },
    stop: () => {
      stopped.abort();
      pool.stop();
    },
    exit: (code) => process.exit(code),
  });
  const listeners = new Listeners(adapter.listen);
  const admin = createAdmin(() => pool.health, pool.metrics);
  try {
    const urls = await pool.start();
    if (urls !== null) {
      await listeners.openAdmin(config, (request) => admin.fetch(request));
      await withEmbeddedKafka(config, stopped.signal, async () => {
        const all = [...urls, ...listeners.urls].join(' ');
        const { brokers } = kafkaConnection(config);
        logger.info(`Ready: ${all} reading from ${brokers.join(',')}`, { workers: count });
        await pool.ended;
      });
    }
    await pool.ended;
    logger.info('Stopped');
  } finally {
    await listeners.close(0);
  }
}
