import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { getLogger } from '@logtape/logtape';
import { createAdmin } from '../../app/describe/admin.ts';
import { ConfigError } from '../../app/errors.ts';
import { withEmbeddedKafka } from '../embedded_kafka/with_embedded_kafka.ts';
import { kafkaConnection } from '../kafka/brokers/kafka_connection.ts';
import { guardedClients } from '../process/admin_token.ts';
import { announce, openTo } from '../process/announcement.ts';
import { type ReadSettings, topicsOf } from '../process/settings.ts';
import { onSignals } from '../process/signals.ts';
import { StreamsWatch } from '../process/streams_file.ts';
import { ConnectionRoom } from '../server/connection_room.ts';
import { Listeners, publicPorts } from '../server/listeners.ts';
import { PortWatch } from '../server/port_watch.ts';
import { logStart, type RuntimeAdapter } from '../serving.ts';
import { runWorker } from './worker.ts';
import { isOwnWorker, WorkerPool } from './worker_pool.ts';

const logger = getLogger(['sse-kafka']);

const ALREADY_A_WORKER = {
  setting: 'WORKERS',
  expected:
    '1 where something else shares the ports between processes, as the cluster mode of pm2 does: ' +
    'leave that to one of them (pm2: exec_mode fork)',
};

/**
 * `WORKERS` processes that share the ports, each with a feed of its own. The primary process has
 * the admin port, the embedded Kafka and the signals, and no stream.
 */
export async function runWorkers(
  adapter: RuntimeAdapter,
  version: string,
  settings: ReadSettings,
): Promise<void> {
  const { config } = settings;
  if (isOwnWorker()) return runWorker(adapter, version, settings);
  // There it would neither listen nor hear of its workers.
  if (cluster.isWorker) throw new ConfigError([ALREADY_A_WORKER]);
  logStart(adapter, version, settings);
  const count = config.workers === 'auto' ? availableParallelism() : config.workers;
  const served = { ...config, topics: topicsOf(settings) };
  new ConnectionRoom(served.topics.length).warnOf(config.maxConnections, count);
  const { streams } = settings;
  const pool = new WorkerPool(config, count, streams?.text ?? null);
  const stopped = new AbortController();
  const streamsWatch =
    streams === null
      ? null
      : new StreamsWatch(config, streams.text, {
          changed: (text) => pool.serveStreams(text),
          faulty: () => pool.serveStreams(null),
        });
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
    reload: () => {
      pool.reload();
      streamsWatch?.reload();
    },
    exit: (code) => process.exit(code),
  });
  const listeners = new Listeners(adapter.listen);
  let watch: PortWatch | null = null;
  // Ports that are closed by the workers at their end would be told as ones that do not answer.
  stopped.signal.addEventListener('abort', () => watch?.close());
  const admin = createAdmin(
    version,
    () => pool.health,
    pool.metrics,
    () => watch?.silent ?? [],
    guardedClients(config, pool.clients),
  );
  try {
    const urls = await pool.start();
    if (urls !== null) {
      watch = new PortWatch(publicPorts(config));
      const ofAdmin = await listeners.openAdmin(config, (request) => admin.fetch(request));
      await withEmbeddedKafka(served, stopped.signal, async () => {
        const { brokers } = kafkaConnection(config);
        const places = { streams: urls, admin: ofAdmin, brokers, openTo: openTo(config) };
        announce(places, () => pool.health, stopped.signal);
        await pool.ended;
      });
    }
    await pool.ended;
    logger.info('Stopped');
  } finally {
    watch?.close();
    streamsWatch?.close();
    await listeners.close(0);
  }
}
