import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logtape/logtape';
import type { Config, Runtime } from '../app/config.ts';
import { GatewayError } from '../app/errors.ts';
import { createGateway } from '../app/gateway.ts';
import type { RecordSource } from '../app/source.ts';
import { readStaticFiles } from './files.ts';
import { type KafkaConnection, kafkaConnection } from './kafka/connection.ts';
import { acquireEmbeddedKafka } from './kafka/embedded/embedded_kafka.ts';
import { type Listen, Listeners } from './listeners.ts';
import { configureLogging } from './logging.ts';
import { readSettings } from './settings.ts';
import { onSignals } from './signals.ts';

const logger = getLogger(['sse-kafka']);

/** The share of DRAIN_SECONDS over which streams end; in the rest they are handed over. */
const ENDING_SHARE = 0.9;
/** How long an answer that is under way may take at the least, in milliseconds. */
const MIN_GRACE_MS = 250;

/** What differs between the runtimes. */
export interface RuntimeAdapter {
  readonly name: Runtime;
  createSource(connection: KafkaConnection): RecordSource;
  readonly listen: Listen;
}

/** Runs a gateway until a signal ends it; errors of the start are told on stderr. */
export async function main(adapter: RuntimeAdapter): Promise<void> {
  try {
    await run(adapter, readSettings(adapter.name));
    process.exit(0);
  } catch (error) {
    const told = error instanceof GatewayError ? error.message : (error as Error).stack;
    process.stderr.write(`${told}\n`);
    process.exit(error instanceof GatewayError ? error.exitCode : 1);
  }
}

async function run(adapter: RuntimeAdapter, config: Config): Promise<void> {
  configureLogging(config.logLevel);
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  /** Before clients are there a drain is a stop. */
  const ending = { drain: stop, graceMs: MIN_GRACE_MS };
  onSignals({ drain: () => ending.drain(), stop, exit: (code) => process.exit(code) });

  const connection = kafkaConnection(config);
  const source = adapter.createSource(connection);
  const files = await readStaticFiles(publicFolder());
  const gateway = createGateway(config, source, files);
  const listeners = new Listeners(adapter.listen);
  try {
    await listeners.openPublic(config, gateway.fetch);
    await listeners.openAdmin(config, gateway.adminFetch);
    ending.drain = () => {
      const drainMs = config.drainSeconds * 1000;
      ending.graceMs = Math.max(MIN_GRACE_MS, drainMs * (1 - ENDING_SHARE));
      logger.info(`Draining for up to ${config.drainSeconds} s`);
      listeners.drain();
      void gateway.drain(drainMs * ENDING_SHARE).then(stop);
    };
    const embedded =
      config.kafkaBrokers === null
        ? await acquireEmbeddedKafka({
            port: config.embeddedKafkaPort,
            topics: config.topics,
            signal: stopped.signal,
            onProgress: (line) => logger.info(line),
          })
        : null;
    try {
      logger.info(
        `Ready: ${listeners.urls.join(' ')} reading from ${connection.brokers.join(',')}`,
      );
      await gateway.run(stopped.signal);
    } finally {
      await Promise.all([source.close(), listeners.close(ending.graceMs)]);
      await embedded?.release();
    }
    logger.info('Stopped');
  } finally {
    await listeners.close(0);
  }
}

/** Beside the sources, or beside `dist/` once built. */
function publicFolder(): string {
  const here = fileURLToPath(new URL('..', import.meta.url));
  return here.endsWith('/dist/') ? join(here, '..', 'public') : join(here, 'public');
}
