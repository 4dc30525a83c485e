/**
 * The Kafka that a gateway without `KAFKA_BROKERS` reads from: one for all gateways of this clone
 * that name the same port, started by the first and stopped by the last. Its records are kept.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../app/errors.ts';
import { askClusterId, createTopics } from './admin.ts';
import { logFile, runningBroker, startBroker, waitUntilReady } from './broker.ts';
import { CLONE } from './clone.ts';
import { withFileLock } from './file_lock.ts';
import { isTaken } from './ports.ts';
import { identityOf, type ProcessIdentity, pidOf } from './process_identity.ts';
import { stopProcess } from './stop_process.ts';
import { readClusterId, wipeStorage } from './storage.ts';
import { Users } from './users.ts';
import { watchUsers } from './watch_users.ts';

export interface EmbeddedKafkaOptions {
  readonly port: number;
  /** Ends every wait. */
  readonly signal: AbortSignal;
  /** Told what takes long, a line each. */
  onProgress(line: string): void;
  /** Default: `.data/kafka/<port>` of the clone. */
  readonly dataDir?: string;
}

export interface WithTopics {
  /** Created compacted where they are not there. */
  readonly topics: readonly string[];
}

export interface EmbeddedKafka {
  /** `localhost:PORT`, for clients. */
  readonly brokers: string;
  /** Says that this user has ended; with the last one the broker ends. */
  release(): Promise<void>;
}

/** A release that cannot have the lock is not the last user: somebody is about to use the broker. */
const RELEASE_DEADLINE_MS = 20_000;
/** A broker that was killed holds its port until the last of its threads has ended. */
const FREE_DEADLINE_MS = 2000;
const POLL_MS = 50;
/** The broker of `npm run kafka` is its own user, so that no gateway is the last. */
const KEPT = 'kept';

/**
 * Takes part in the embedded Kafka, which is started when it does not run.
 * @throws GatewayError when it cannot be started, or the port is somebody else's.
 */
export async function acquireEmbeddedKafka(
  options: EmbeddedKafkaOptions & WithTopics,
): Promise<EmbeddedKafka> {
  const { port, topics, signal } = options;
  const dataDir = await makeDataDir(options);
  const users = new Users(dataDir);
  const self = ownIdentity();
  const name = randomUUID();
  const release = async (): Promise<void> => {
    users.remove(self, name);
    await endUnusedKafka(dataDir);
  };
  try {
    await underLock(dataDir, options, async () => {
      users.add(self, name);
      await ensureRunning(dataDir, options);
    });
    await createTopics(port, topics, signal);
  } catch (error) {
    await release();
    throw error;
  }
  return { brokers: `localhost:${port}`, release };
}

/** Stops the embedded Kafka of a folder, unless somebody uses it. */
export async function endUnusedKafka(dataDir: string): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), RELEASE_DEADLINE_MS);
  const waiting = { signal: deadline.signal, onProgress: () => {} };
  try {
    await underLock(dataDir, waiting, async () => {
      if (!new Users(dataDir).any()) await stopRunning(dataDir);
    });
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Starts the embedded Kafka, or takes the one that runs, so that it runs on until
 * `stopEmbeddedKafka()`.
 * @returns whether it was started now, and its log file.
 * @throws GatewayError when it cannot be started, or the port is somebody else's.
 */
export async function keepEmbeddedKafka(
  options: EmbeddedKafkaOptions & WithTopics,
): Promise<{ readonly started: boolean; readonly log: string }> {
  const dataDir = await makeDataDir(options);
  const started = await underLock(dataDir, options, async () => {
    const { identity, started } = await ensureRunning(dataDir, options);
    if (identity !== null) new Users(dataDir).add(identity, KEPT);
    return started;
  });
  await createTopics(options.port, options.topics, options.signal);
  return { started, log: logFile(dataDir) };
}

/**
 * Stops the embedded Kafka, whoever uses it.
 * @returns false when it does not run.
 */
export async function stopEmbeddedKafka(options: EmbeddedKafkaOptions): Promise<boolean> {
  const dataDir = await makeDataDir(options);
  return underLock(dataDir, options, () => stopRunning(dataDir));
}

/**
 * Stops the embedded Kafka and removes its records.
 * @returns false when it did not run.
 */
export async function resetEmbeddedKafka(options: EmbeddedKafkaOptions): Promise<boolean> {
  const dataDir = await makeDataDir(options);
  return underLock(dataDir, options, async () => {
    const stopped = await stopRunning(dataDir);
    await wipeStorage(dataDir);
    return stopped;
  });
}

interface Running {
  /** `null` for one of ours of which the process is not known: it can be used, not stopped. */
  readonly identity: ProcessIdentity | null;
  readonly started: boolean;
}

/** To be called under the lock. */
async function ensureRunning(dataDir: string, options: EmbeddedKafkaOptions): Promise<Running> {
  const { port, signal, onProgress } = options;
  const running = runningBroker(dataDir);
  if (running !== null && readClusterId(dataDir) === null) {
    await stopProcess(running); // Its records were removed under it.
  } else if (running !== null) {
    onProgress(`using the Kafka that runs on localhost:${port} (process ${pidOf(running)})`);
    await waitUntilReady(running, port, dataDir, signal);
    return { identity: running, started: false };
  }
  const deadline = performance.now() + FREE_DEADLINE_MS;
  while (await isTaken(port)) {
    const clusterId = await askClusterId(port, signal);
    if (clusterId !== null && clusterId === readClusterId(dataDir)) {
      onProgress(`using the Kafka on localhost:${port}; it has to be stopped by hand`);
      return { identity: null, started: false };
    }
    if (clusterId !== null || performance.now() > deadline) throw portTaken(port, clusterId);
    await delay(POLL_MS, undefined, { signal });
  }
  const { pid } = await startBroker({ port, dataDir, signal, onProgress });
  const identity = identityOf(pid);
  if (identity !== null) watchUsers(identity, dataDir);
  return { identity, started: true };
}

/** To be called under the lock. */
async function stopRunning(dataDir: string): Promise<boolean> {
  const running = runningBroker(dataDir);
  if (running !== null) await stopProcess(running);
  return running !== null;
}

function portTaken(port: number, clusterId: string | null): GatewayError {
  const taker =
    clusterId === null
      ? 'something that does not answer as a Kafka does'
      : `a Kafka that is not ours (cluster id ${clusterId})`;
  return new GatewayError(
    'EMBEDDED_KAFKA',
    `localhost:${port} is in use by ${taker}. Set EMBEDDED_KAFKA_PORT to another port for the ` +
      `embedded Kafka, or KAFKA_BROKERS=${clusterId === null ? 'host:port' : `localhost:${port}`} ` +
      'to read from a Kafka of your own.',
  );
}

/** Where the Kafka of a port has its records, unless another folder is named. */
export function embeddedFolder(port: number): string {
  return join(CLONE, '.data', 'kafka', String(port));
}

async function makeDataDir({ port, dataDir }: EmbeddedKafkaOptions): Promise<string> {
  const folder = dataDir ?? embeddedFolder(port);
  await mkdir(folder, { recursive: true });
  return folder;
}

function underLock<T>(
  dataDir: string,
  { signal, onProgress }: Pick<EmbeddedKafkaOptions, 'signal' | 'onProgress'>,
  action: () => Promise<T>,
): Promise<T> {
  return withFileLock(join(dataDir, 'lock'), signal, onProgress, action);
}

function ownIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === null) throw new Error(`process ${process.pid} does not find itself`);
  return identity;
}
