import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../app/errors.ts';
import { askClusterId } from './admin.ts';
import { fetchJars } from './jars.ts';
import { findJava, JAVA_LOCALE, javaCause, startJava } from './java.ts';
import { canListen, freePort } from './ports.ts';
import {
  isRunning,
  notedProcess,
  noteProcess,
  type ProcessIdentity,
  pidOf,
} from './process_identity.ts';
import { serverProperties } from './server_properties.ts';
import { killProcess, stopProcess } from './stop_process.ts';
import { formatStorage, LOG_DIR, readClusterId } from './storage.ts';

/** A Kafka that this process started. It lives on when this process ends. */
export interface Broker {
  readonly port: number;
  /** `localhost:PORT`, for clients. */
  readonly brokers: string;
  readonly pid: number;
  /** Ends it in order; by force after 10 s. */
  stop(): Promise<void>;
  /** Ends it as a power cut would: SIGKILL. */
  kill(): Promise<void>;
}

export interface BrokerOptions {
  readonly port: number;
  /** Default: one that is free. */
  readonly controllerPort?: number;
  /** Made when it is not there. One broker at a time may have it. */
  readonly dataDir: string;
  /** Of Kafka, 3.9 or later; default: that of `pom.xml`. */
  readonly version?: string;
  /** Settings of `server.properties` that win over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  /** For its JVM, beside ours. */
  readonly jvmOptions?: readonly string[];
  /** Ends the start; the broker is then stopped again. */
  readonly signal: AbortSignal;
  /** Told what takes long, a line each. */
  onProgress(line: string): void;
}

/**
 * Beside the jars: their classes as a JVM had them at its end, which saves the next ones a third of
 * a start. The tests make it, who start many (`keep_classes.mjs`); one of another JVM is passed over,
 * and so is one of jars elsewhere: a copy of the folder takes a name of its own.
 */
export function classArchive(jars: string): string {
  const place = createHash('sha256').update(jars).digest('hex').slice(0, 8);
  return join(jars, `classes-${place}.jsa`);
}

const READY_DEADLINE_MS = 120_000;
const POLL_MS = 50;

/** Small and quick to start: no work here is worth a second compiler or parallel collector. */
const JVM_OPTIONS = [
  ...JAVA_LOCALE,
  '-Xms64m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
];

/**
 * Starts Kafka on localhost and waits until it answers; the first time, its jars are fetched and its
 * folder is made.
 * @throws GatewayError when it cannot be started.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { port, dataDir, properties = {}, signal, onProgress } = options;
  const java = await findJava(signal);
  const jars = await fetchJars(signal, onProgress, options.version);
  await mkdir(dataDir, { recursive: true });
  const controllerPort = options.controllerPort ?? (await freePort());
  const ipv6 = (await canListen('::1', port)) === 'yes';
  const propertiesFor = (logDir: string): string =>
    serverProperties({ port, controllerPort, ipv6, logDir, properties });
  await formatStorage(java, jars, dataDir, propertiesFor, signal);
  await writeFile(join(dataDir, 'server.properties'), propertiesFor(LOG_DIR));

  onProgress(`starting Kafka on localhost:${port}, about 3 s`);
  const start = performance.now();
  const identity = spawnBroker(java, jars, dataDir, options.jvmOptions);
  try {
    await waitUntilReady(identity, port, dataDir, signal);
  } catch (error) {
    await stopProcess(identity);
    throw error;
  }
  onProgress(`Kafka is ready after ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return {
    port,
    brokers: `localhost:${port}`,
    pid: pidOf(identity),
    stop: () => stopProcess(identity),
    kill: () => killProcess(identity),
  };
}

/** Where a broker writes its log; begun anew at each start. */
export function logFile(dataDir: string): string {
  return join(dataDir, 'kafka.log');
}

function spawnBroker(
  java: string,
  jars: string,
  dataDir: string,
  jvmOptions: readonly string[] = [],
): ProcessIdentity {
  const archive = classArchive(jars);
  const args = [
    ...JVM_OPTIONS,
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []),
    ...jvmOptions,
    ...['-cp', join(jars, '*'), 'kafka.Kafka', 'server.properties'],
  ];
  const identity = startJava(java, args, dataDir, logFile(dataDir));
  if (identity === null) throw notStarted('it ended at once', dataDir);
  noteProcess(brokerFile(dataDir), identity);
  return identity;
}

function brokerFile(dataDir: string): string {
  return join(dataDir, 'broker');
}

/** The broker that was started on a folder, by whatever process; `null` when it does not run. */
export function runningBroker(dataDir: string): ProcessIdentity | null {
  return notedProcess(brokerFile(dataDir));
}

/**
 * Waits until the broker answers with the cluster id of its folder.
 * @throws GatewayError when it ends, or does not within two minutes.
 */
export async function waitUntilReady(
  identity: ProcessIdentity,
  port: number,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  const clusterId = readClusterId(dataDir);
  const deadline = performance.now() + READY_DEADLINE_MS;
  while ((await askClusterId(port, signal)) !== clusterId) {
    if (!isRunning(identity)) throw notStarted('it ended', dataDir);
    if (performance.now() > deadline) throw notStarted('it does not answer', dataDir);
    await delay(POLL_MS, undefined, { signal });
  }
}

function notStarted(why: string, dataDir: string): GatewayError {
  const file = logFile(dataDir);
  const cause = javaCause(readFileSync(file, 'utf8')) || 'it said nothing';
  return new GatewayError(
    'EMBEDDED_KAFKA',
    `The embedded Kafka could not be started: ${why} (${cause}). ` +
      `Its log is ${file}; \`npm run kafka -- reset\` wipes its data, ` +
      'KAFKA_BROKERS=host:port takes a Kafka of your own.',
  );
}
