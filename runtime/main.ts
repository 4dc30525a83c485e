import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logtape/logtape';
import type { Config, Runtime } from '../app/config.ts';
import { GatewayError } from '../app/errors.ts';
import { createGateway } from '../app/gateway.ts';
import type { ClientConnection } from '../app/http/client_connection.ts';
import type { RecordSource } from '../app/source.ts';
import { readStaticFiles } from './files.ts';
import { type KafkaConnection, kafkaConnection } from './kafka/connection.ts';
import { acquireEmbeddedKafka } from './kafka/embedded/embedded_kafka.ts';
import { configureLogging } from './logging.ts';
import { readSettings } from './settings.ts';
import { onSignals } from './signals.ts';
import { type Certificate, loadCertificate } from './tls.ts';

const logger = getLogger(['sse-kafka']);

/** Where the clone, or the image, keeps what has to outlive a process. */
const DATA_DIR = '.data';

/** What a listener is made of. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** `null` for plain HTTP/1.1. */
  readonly certificate: Certificate | null;
  readonly fetch: (request: Request, connection: ClientConnection) => Response | Promise<Response>;
}

/** An open port. */
export interface Listener {
  /** Takes no more connections and cuts those that are open. */
  close(): Promise<void>;
}

/** What differs between the runtimes. */
export interface RuntimeAdapter {
  readonly name: Runtime;
  createSource(connection: KafkaConnection): RecordSource;
  /** @throws an error with the system's code (`EADDRINUSE`) when the port cannot be had. */
  listen(options: ListenOptions): Promise<Listener>;
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
  onSignals({ drain: stop, stop, exit: (code) => process.exit(code) });

  const connection = kafkaConnection(config);
  const source = adapter.createSource(connection);
  const files = await readStaticFiles(publicFolder());
  const gateway = createGateway(config, source, files);
  const { urls, close } = await listenAll(adapter, config, gateway);
  try {
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
      logger.info(`Ready: ${urls.join(' ')} reading from ${connection.brokers.join(',')}`);
      await gateway.run(stopped.signal);
      logger.info('Stopped');
    } finally {
      await Promise.all([source.close(), close()]);
      await embedded?.release();
    }
  } finally {
    await close();
  }
}

interface Listening {
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** All listeners or none: one that cannot be had closes the others. */
async function listenAll(
  adapter: RuntimeAdapter,
  config: Config,
  gateway: ReturnType<typeof createGateway>,
): Promise<Listening> {
  const { host, adminHost, httpPort, httpsPort, adminPort } = config;
  const certificate = httpsPort === 0 ? null : await loadCertificate(config, DATA_DIR);
  const wanted = [
    { setting: 'HTTP_PORT', host, port: httpPort, certificate: null, fetch: gateway.fetch },
    { setting: 'HTTPS_PORT', host, port: httpsPort, certificate, fetch: gateway.fetch },
    {
      setting: 'ADMIN_PORT',
      host: adminHost,
      port: adminPort,
      certificate: null,
      fetch: gateway.adminFetch,
    },
  ].filter(({ port }) => port !== 0);
  const listeners: Listener[] = [];
  const urls: string[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  };
  for (const { setting, ...options } of wanted) {
    try {
      listeners.push(await adapter.listen(options));
    } catch (cause) {
      await close();
      throw listenError(setting, options, cause);
    }
    urls.push(`${options.certificate === null ? 'http' : 'https'}://${authority(options)}`);
  }
  return { urls, close };
}

function listenError(setting: string, options: ListenOptions, cause: unknown): GatewayError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE'
      ? 'is in use: stop what listens there, or set another port'
      : `cannot be listened on (${message}): set another port or host`;
  return new GatewayError('PORT_IN_USE', `${setting}: ${authority(options)} ${why}`, { cause });
}

/** As a person would type it. */
function authority({ host, port }: { host: string; port: number }): string {
  const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Beside the sources, or beside `dist/` once built. */
function publicFolder(): string {
  const here = fileURLToPath(new URL('..', import.meta.url));
  return here.endsWith('/dist/') ? join(here, '..', 'public') : join(here, 'public');
}
