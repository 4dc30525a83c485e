import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logtape/logtape';
import type { CertificateUse, ProcessFacts } from '../app/describe/metrics.ts';
import {
  type Config,
  createGateway,
  type Gateway,
  type RecordSource,
  type StreamSlots,
} from '../app/mod.ts';
import {
  type KafkaConnection,
  kafkaConnection,
  registryToken,
} from './kafka/brokers/kafka_connection.ts';
import { LOCAL_FILES } from './process/local_files.ts';
import { expiryOf } from './process/pem.ts';
import { type ReadSettings, type Runtime, topicsOf } from './process/settings.ts';
import { parseStreams } from './process/streams_file.ts';
import { createWebClient } from './process/web_client.ts';
import { ZLIB } from './process/zlib_compressor.ts';
import { CertificateWatch } from './server/certificate_watch.ts';
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
export function logStart({ name }: RuntimeAdapter, version: string, settings: ReadSettings): void {
  logger.info('Starting {version} on {runtime}: {topics}', {
    version,
    runtime: name,
    topics: topicsOf(settings).join(),
  });
  for (const warning of settings.warnings) logger.warn('{warning}', { warning });
}

/** A gateway with its source and its ports, from the start to the end: a process, or one worker. */
export class Serving {
  readonly gateway: Gateway;
  readonly listeners: Listeners;
  readonly #runtime: Runtime;
  readonly #config: Config;
  readonly #connection: KafkaConnection;
  readonly #source: RecordSource;
  readonly #stopped = new AbortController();
  #streamsText: string | null;
  #graceMs = MIN_GRACE_MS;
  #closed: Promise<void> | null = null;
  #certificateWatch: CertificateWatch | null = null;

  static async create(
    adapter: RuntimeAdapter,
    { config, streams }: Pick<ReadSettings, 'config' | 'streams'>,
    slots: StreamSlots,
  ): Promise<Serving> {
    const connection = kafkaConnection(config);
    const source = await adapter.createSource(connection);
    const files = await readStaticFiles(publicFolder());
    const ports = {
      web: createWebClient(config),
      files: LOCAL_FILES,
      registryToken: registryToken(config, connection),
    };
    const gateway = createGateway(config, source, files, slots, ports, ZLIB);
    if (streams !== null) gateway.serve(streams.file);
    return new Serving(adapter, config, streams?.text ?? null, connection, source, gateway);
  }

  private constructor(
    adapter: RuntimeAdapter,
    config: Config,
    streamsText: string | null,
    connection: KafkaConnection,
    source: RecordSource,
    gateway: Gateway,
  ) {
    this.#runtime = adapter.name;
    this.#connection = connection;
    this.#config = config;
    this.#streamsText = streamsText;
    this.#source = source;
    this.gateway = gateway;
    this.listeners = new Listeners(adapter.listen);
    // Each topic listens; more than ten of them are taken for a leak.
    setMaxListeners(0, this.signal);
  }

  /** Aborts once it is to end. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Reads and serves until it is stopped, and lets go of everything. */
  async run(): Promise<void> {
    this.#certificateWatch = this.#watchCertificate();
    try {
      await this.gateway.run(this.signal);
    } finally {
      this.#certificateWatch?.close();
      await Promise.all([this.#source.close(), this.#closePorts()]);
    }
  }

  /** What the metrics tell of the process. */
  facts(version: string): ProcessFacts {
    return {
      version,
      runtime: this.#runtime,
      certificateExpiries: () => {
        const ofBrokers = this.#connection.tls?.cert ?? null;
        const found: [CertificateUse, number | null][] = [
          ['https', this.listeners.certificateExpiry],
          ['kafka', ofBrokers === null ? null : expiryOf(ofBrokers)],
        ];
        return new Map(found.flatMap(([use, at]) => (at === null ? [] : [[use, at] as const])));
      },
    };
  }

  #watchCertificate(): CertificateWatch | null {
    const { tlsCertFile, tlsKeyFile, httpsPort } = this.#config;
    if (tlsCertFile === null || tlsKeyFile === null || httpsPort === 0) return null;
    return new CertificateWatch([tlsCertFile, tlsKeyFile], () => this.#renewCertificate());
  }

  /** Reads the files of the certificate again; where they hold none the old one stays. */
  reload(): void {
    this.#certificateWatch?.noteRead();
    this.#renewCertificate();
  }

  #renewCertificate(): void {
    this.listeners.renewCertificate(this.#config).then(
      () => logger.info('The certificate of HTTPS was read again'),
      (error) => logger.error('The old certificate of HTTPS stays: {error}', { error }),
    );
  }

  /**
   * Serves what a streams file says that was read again and found right.
   * @returns whether it is another than before
   */
  serveStreams(text: string): boolean {
    if (text === this.#streamsText) return false;
    this.#streamsText = text;
    const read = parseStreams(this.#config, text);
    if ('file' in read) this.gateway.serve(read.file);
    return true;
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
