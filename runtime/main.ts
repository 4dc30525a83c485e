import process from 'node:process';
import { getLogger } from '@logtape/logtape';
import { CountedSlots, createAdmin, GatewayError } from '../app/mod.ts';
import { withEmbeddedKafka } from './embedded_kafka/with_embedded_kafka.ts';
import { kafkaConnection } from './kafka/brokers/kafka_connection.ts';
import { announce, openTo } from './process/announcement.ts';
import { checkApplication } from './process/check_application.ts';
import { configureLogging } from './process/logging.ts';
import { logProcessTrouble } from './process/process_trouble.ts';
import { exposeMetrics } from './process/prometheus.ts';
import { type ReadSettings, readLogSettings, readSettings } from './process/settings.ts';
import { onSignals } from './process/signals.ts';
import { logStart, type RuntimeAdapter, Serving } from './serving.ts';
import { readVersion } from './version.ts';

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
    const settings = readSettings(adapter.name);
    const { config } = settings;
    logProcessTrouble();
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

/** One process that does everything. */
async function runAlone(
  adapter: RuntimeAdapter,
  version: string,
  settings: ReadSettings,
): Promise<void> {
  const { config } = settings;
  logStart(adapter, version, settings);
  let serving: Serving | null = null;
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
    reload: () => serving?.reload(),
    exit: (code) => process.exit(code),
  });
  serving = await Serving.create(adapter, config, new CountedSlots(config));
  const { gateway, listeners, signal } = serving;
  try {
    const streams = await listeners.openPublic(config, gateway.fetch);
    listeners.watch();
    const admin = createAdmin(
      version,
      gateway.health,
      exposeMetrics(gateway.measured, serving.facts(version)),
      () => listeners.silent,
    );
    const ofAdmin = await listeners.openAdmin(config, (request) => admin.fetch(request));
    await withEmbeddedKafka(config, signal, async () => {
      const { brokers } = kafkaConnection(config);
      const places = { streams, admin: ofAdmin, brokers, openTo: openTo(config) };
      announce(places, gateway.health, signal);
      await serving.run();
    });
    logger.info('Stopped');
  } finally {
    await listeners.close(0);
  }
}
