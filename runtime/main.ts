import process from 'node:process';
import { getLogger } from '@logtape/logtape';
import { CountedSlots, createAdmin, GatewayError } from '../app/mod.ts';
import { withEmbeddedKafka } from './embedded_kafka/with_embedded_kafka.ts';
import { kafkaConnection } from './kafka/brokers/kafka_connection.ts';
import { guardedClients } from './process/admin_token.ts';
import { announce, openTo } from './process/announcement.ts';
import { wordsOfCheck } from './process/check.ts';
import { checkApplication } from './process/check_application.ts';
import { configureLogging } from './process/logging.ts';
import { logProcessTrouble } from './process/process_trouble.ts';
import { exposeMetrics } from './process/prometheus.ts';
import { type ReadSettings, readLogSettings, readSettings, topicsOf } from './process/settings.ts';
import { onSignals } from './process/signals.ts';
import { StreamsWatch } from './process/streams_file.ts';
import { logStart, type RuntimeAdapter, Serving } from './serving.ts';
import { readVersion } from './version.ts';
import {
  OWN_WORKER,
  type PrimaryMessage,
  WITH_STREAMS,
  type WorkerMessage,
} from './workers/messages.ts';

const logger = getLogger(['sse-kafka']);

/** Runs a gateway until a signal ends it; what keeps it from starting is logged. */
export async function main(adapter: RuntimeAdapter): Promise<void> {
  try {
    configureLogging(readLogSettings());
    const version = readVersion();
    if (process.argv.includes('--version')) {
      process.stdout.write(`${version}\n`);
      return;
    }
    const streams = await streamsOfPrimary();
    const settings = readSettings(adapter.name, process.env, '.env', streams);
    const { config } = settings;
    logProcessTrouble();
    if (process.argv.includes('--check')) {
      process.stdout.write(wordsOfCheck(settings));
      return;
    }
    await checkApplication(config);
    if (config.workers === 1) await runAlone(adapter, version, settings);
    // Only Node has workers.
    else await (await import('./workers/run_workers.ts')).runWorkers(adapter, version, settings);
    process.exit(0);
  } catch (error) {
    logEnd(error);
    process.exit(error instanceof GatewayError ? error.exitCode : 1);
  }
}

/** A line a fault. */
function logEnd(error: unknown): void {
  if (!(error instanceof GatewayError)) {
    logger.fatal('A fault of the gateway ends it: {error}', {
      error,
      stack: (error as Error).stack,
    });
    return;
  }
  const { code } = error;
  for (const fault of error.message.split('\n')) logger.error('{fault}', { fault, code });
}

/** The streams file as the primary process has it, in a worker of its; else null. */
function streamsOfPrimary(): Promise<string | null> {
  if (process.env[OWN_WORKER] !== WITH_STREAMS) return Promise.resolve(null);
  return new Promise((resolve) => {
    const take = (message: PrimaryMessage): void => {
      if (message.kind !== 'streams' || message.text === null) return;
      process.off('message', take);
      resolve(message.text);
    };
    process.on('message', take);
    process.send?.({ kind: 'asks for streams' } satisfies WorkerMessage);
  });
}

/** One process that does everything. */
async function runAlone(
  adapter: RuntimeAdapter,
  version: string,
  settings: ReadSettings,
): Promise<void> {
  const { config } = settings;
  logStart(adapter, version, settings);
  let serving: Serving | null = null;
  let watch: StreamsWatch | null = null;
  const end = (how: 'drain' | 'stop'): void => {
    if (serving === null) process.exit(0);
    else serving[how]();
  };
  onSignals({
    drain: () => {
      logger.info(`Draining for up to ${config.drainSeconds} s`);
      end('drain');
    },
    stop: () => end('stop'),
    reload: () => {
      serving?.reload();
      watch?.reload();
    },
    exit: (code) => process.exit(code),
  });
  serving = await Serving.create(adapter, settings, new CountedSlots(config));
  watch = watchStreams(settings, serving);
  const served = { ...config, topics: topicsOf(settings) };
  const { gateway, listeners, signal } = serving;
  try {
    const streams = await listeners.openPublic(served, gateway.fetch);
    listeners.watch();
    const admin = createAdmin(
      version,
      gateway.health,
      exposeMetrics(gateway.measured, serving.facts(version)),
      () => listeners.silent,
      guardedClients(config, gateway.clients),
    );
    const ofAdmin = await listeners.openAdmin(config, (request) => admin.fetch(request));
    await withEmbeddedKafka(served, signal, async () => {
      const { brokers } = kafkaConnection(config);
      const places = { streams, admin: ofAdmin, brokers, openTo: openTo(config) };
      announce(places, gateway.health, signal);
      await serving.run();
    });
    logger.info('Stopped');
  } finally {
    watch?.close();
    await listeners.close(0);
  }
}

function watchStreams({ config, streams }: ReadSettings, serving: Serving): StreamsWatch | null {
  if (streams === null) return null;
  const { reloads } = serving.gateway.measured;
  return new StreamsWatch(config, streams.text, {
    changed(text) {
      serving.serveStreams(text);
      reloads.ok++;
    },
    faulty() {
      reloads.faulty++;
    },
  });
}
