import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../app/errors.ts';
import { WebClient } from '../process/web_client.ts';
import { CLONE } from './clone.ts';
import { withFileLock } from './file_lock.ts';
import { runMaven } from './jars.ts';
import { findJava, JAVA_LOCALE, javaCause, startJava } from './java.ts';
import { isTaken } from './ports.ts';
import { isRunning, notedProcess, noteProcess, type ProcessIdentity } from './process_identity.ts';
import { stopProcess } from './stop_process.ts';

/** Apicurio, which speaks Confluent's API as well. Its records are in its memory alone. */
const VERSION = '2.6.13.Final';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
const CACHE = join(CLONE, '.cache', 'registry');
const PARTIAL = 'partial-';
const API_PATH = '/apis/ccompat/v7';

const READY_DEADLINE_MS = 180_000;
const POLL_MS = 200;
const JVM_OPTIONS = [
  ...JAVA_LOCALE,
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dquarkus.http.host=127.0.0.1',
];

export interface RegistryOptions {
  readonly port: number;
  /** Where it is noted which process it is, and what it logs. */
  readonly dataDir: string;
  readonly signal: AbortSignal;
  /** Told what takes long, a line each. */
  onProgress(line: string): void;
}

/**
 * Starts a schema registry on localhost, or takes the one that was started on this folder, and waits
 * until it answers. It runs on until `stopRegistry()`.
 * @returns what REGISTRY_URL has to be
 * @throws GatewayError when it cannot be started.
 */
export async function keepRegistry(options: RegistryOptions): Promise<string> {
  const { port, dataDir, signal, onProgress } = options;
  const url = `http://localhost:${port}${API_PATH}`;
  const java = await findJava(signal);
  const folder = await fetchRegistry(signal, onProgress);
  await mkdir(dataDir, { recursive: true });
  let identity = runningRegistry(dataDir);
  if (identity === null) {
    if (await isTaken(port)) {
      throw new GatewayError(
        'EMBEDDED_KAFKA',
        `localhost:${port} is in use: name another port for the registry (--registry=8082)`,
      );
    }
    onProgress(`starting a schema registry on localhost:${port}, about 10 s`);
    identity = await spawnRegistry(java, folder, options);
  }
  try {
    await untilAnswered(identity, url, dataDir, signal);
  } catch (error) {
    await stopProcess(identity);
    throw error;
  }
  return url;
}

/** @returns false when it does not run. */
export async function stopRegistry(dataDir: string): Promise<boolean> {
  const identity = runningRegistry(dataDir);
  if (identity !== null) await stopProcess(identity);
  return identity !== null;
}

/** The folder with its program, which appears whole, by rename, or not at all. */
async function fetchRegistry(
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<string> {
  const folder = join(CACHE, VERSION);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  await withFileLock(join(CACHE, 'lock'), signal, onProgress, async () => {
    if (existsSync(folder)) return;
    onProgress(`fetching Apicurio Registry ${VERSION} by Maven, 140 MB`);
    for (const name of await readdir(CACHE)) {
      if (name.startsWith(PARTIAL)) await rm(join(CACHE, name), { recursive: true, force: true });
    }
    const partial = await mkdtemp(join(CACHE, PARTIAL));
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack';
    const args = [plugin, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${partial}`];
    // In there, because without a pom it leaves a folder of marks where it is run.
    await runMaven('the schema registry', args, signal, partial);
    await rename(partial, folder);
  });
  return folder;
}

async function spawnRegistry(
  java: string,
  folder: string,
  { port, dataDir }: RegistryOptions,
): Promise<ProcessIdentity> {
  const jar = (await readdir(folder)).find((name) => name.endsWith('-runner.jar'));
  const args = [...JVM_OPTIONS, `-Dquarkus.http.port=${port}`, '-jar', join(folder, jar!)];
  const identity = startJava(java, args, dataDir, logFile(dataDir));
  if (identity === null) throw await notStarted('it ended at once', dataDir);
  noteProcess(identityFile(dataDir), identity);
  return identity;
}

async function untilAnswered(
  identity: ProcessIdentity,
  url: string,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  const web = new WebClient([]);
  const question = { timeoutMs: 5000, maxBytes: 2 ** 20 };
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    const answer = await web.get(`${url}/subjects`, question).catch(() => null);
    if (answer?.status === 200) return;
    if (!isRunning(identity)) throw await notStarted('it ended', dataDir);
    if (performance.now() > deadline) throw await notStarted('it does not answer', dataDir);
    await delay(POLL_MS, undefined, { signal });
  }
}

function runningRegistry(dataDir: string): ProcessIdentity | null {
  return notedProcess(identityFile(dataDir));
}

function identityFile(dataDir: string): string {
  return join(dataDir, 'registry');
}

function logFile(dataDir: string): string {
  return join(dataDir, 'registry.log');
}

async function notStarted(why: string, dataDir: string): Promise<GatewayError> {
  const file = logFile(dataDir);
  const cause = javaCause(await readFile(file, 'utf8')) || 'it said nothing';
  return new GatewayError(
    'EMBEDDED_KAFKA',
    `The schema registry could not be started: ${why} (${cause}). Its log is ${file}.`,
  );
}
