import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logtape/logtape';
import {
  type Config,
  createGateway,
  type Gateway,
  type RecordSource,
  type Runtime,
  type StreamSlots,
} from '../app/mod.ts';
import { type KafkaConnection, kafkaConnection } from './kafka/brokers/kafka_connection.ts';
import { LOCAL_FILES } from './process/local_files.ts';
import type { ReadSettings } from './process/settings.ts';
import { createWebClient } from './process/web_client.ts';
import { readStaticFiles } from './server/files.ts';
import { type Listen, Listeners } from './server/listeners.ts';

const logger = getLogger(['sse-kafka']);

/** How long an answer that is under way may take at the least, in milliseconds. */
const MIN_GRACE_MS = 250;
/** The last part of a drain, in which streams that have ended are handed over to slow clients. */
const DRAIN_GRACE_MS = 1000;

/** What differs between the runtimes. */
export interface RuntimeAdapter {
  readonly name: Runtime;
  createSource(connection: KafkaConnection): RecordSource | Promise<RecordSource>;
  readonly listen: Listen;
}

/** The first lines of the log. */
export function logStart(
  { name }: RuntimeAdapter,
  version: string,
  { config, warnings }: ReadSettings,
): void {
  logger.info('Starting {version} on {runtime}: {topics}', {
    version,
    runtime: name,
    topics: config.topics.join(),
  });
  for (const warning of warnings) logger.warn('{warning}', { warning });
}

/** A gateway with its source and its ports, from the start to the end: a process, or one worker. */
export class Serving {
  readonly gateway: Gateway;
  readonly listeners: Listeners;
  readonly #config: Config;
  readonly #source: RecordSource;
  readonly #stopped = new AbortController();
  #graceMs = MIN_GRACE_MS;
  #closed: Promise<void> | null = null;

  static async create(
    adapter: RuntimeAdapter,
    config: Config,
    slots: StreamSlots,
  ): Promise<Serving> {
    const source = await adapter.createSource(kafkaConnection(config));
    const files = await readStaticFiles(publicFolder());
    const ports = { web: createWebClient(config), files: LOCAL_FILES };
    const gateway = createGateway(config, source, files, slots, ports);
    return new Serving(config, source, gateway, new Listeners(adapter.listen));
  }

  private constructor(
    config: Config,
    source: RecordSource,
    gateway: Gateway,
    listeners: Listeners,
  ) {
    this.#config = config;
    this.#source = source;
    this.gateway = gateway;
    this.listeners = listeners;
    // Each topic listens; more than ten of them are taken for a leak.
    setMaxListeners(0, this.signal);
  }

  /** Aborts once it is to end. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Reads and serves until it is stopped, and lets go of everything. */
  async run(): Promise<void> {
    try {
      await this.gateway.run(this.signal);
    } finally {
      await Promise.all([this.#source.close(), this.#closePorts()]);
    }
  }

  /** Reads the files of the certificate again; where they hold none the old one stays. */
  reload(): void {
    this.listeners.renewCertificate(this.#config).then(
      () => logger.info('The certificate of HTTPS was read again'),
      (error) => logger.error('The old certificate of HTTPS stays: {error}', { error }),
    );
  }

  /** Ends the streams over DRAIN_SECONDS, and stops then. */
  drain(): void {
    const drainMs = this.#config.drainSeconds * 1000;
    const graceMs = Math.min(DRAIN_GRACE_MS, drainMs / 2);
    this.#graceMs = Math.max(MIN_GRACE_MS, graceMs);
    this.listeners.drain();
    void this.gateway.drain(drainMs - graceMs).then(() => this.stop());
  }

  /** Ends the streams at once. */
  stop(): void {
    this.#stopped.abort();
    // Beside the end of the reading, which may take a second.
    void this.#closePorts();
  }

  #closePorts(): Promise<void> {
    this.#closed ??= this.listeners.close(this.#graceMs);
    return this.#closed;
  }
}

/** Beside the sources, or beside `dist/` once built. */
function publicFolder(): string {
  const here = fileURLToPath(new URL('..', import.meta.url));
  return here.endsWith('/dist/') ? join(here, '..', 'public') : join(here, 'public');
}
