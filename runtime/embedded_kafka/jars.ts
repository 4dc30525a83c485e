import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { GatewayError } from '../../app/errors.ts';
import { CLONE } from './clone.ts';
import { withFileLock } from './file_lock.ts';
import { JAVA_LOCALE, javaEnvironment, missing } from './java.ts';

const run = promisify(execFile);

const POM = join(CLONE, 'runtime', 'embedded_kafka', 'pom.xml');
const CACHE = join(CLONE, '.cache', 'kafka');
const PARTIAL = 'partial-';

/** For 43 MB over a bad line. */
const FETCH_DEADLINE_MS = 15 * 60_000;

/**
 * The folder with the jars of `pom.xml`, fetched by Maven the first time and whenever the pom
 * changes. All brokers of the clone share it: it appears whole, by rename, or not at all.
 * @param version of Kafka; default: the one that the pom names
 * @throws GatewayError without Maven, or when it cannot fetch.
 */
export async function fetchJars(
  signal: AbortSignal,
  onProgress: (line: string) => void,
  version = '',
): Promise<string> {
  const pom = await readFile(POM, 'utf8');
  const hash = createHash('sha256')
    .update(pom + version)
    .digest('hex')
    .slice(0, 12);
  const folder = join(CACHE, hash);
  if (existsSync(folder)) return folder;

  await mkdir(CACHE, { recursive: true });
  await withFileLock(join(CACHE, 'lock'), signal, onProgress, async () => {
    if (existsSync(folder)) return;
    const wanted = version || /<kafka\.version>(.*)<\/kafka\.version>/.exec(pom)?.[1] || '';
    onProgress(`fetching Apache Kafka ${wanted} by Maven, about 20 s the first time`);
    const start = performance.now();
    await removePartial();
    const partial = await mkdtemp(join(CACHE, PARTIAL));
    await copyDependencies(partial, wanted, signal);
    await rename(partial, folder);
    onProgress(`fetched in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  });
  return folder;
}

/** What a fetch left that was cut. Its Maven may live on: hence a new name for each fetch. */
async function removePartial(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    if (name.startsWith(PARTIAL)) await rm(join(CACHE, name), { recursive: true, force: true });
  }
}

async function copyDependencies(
  folder: string,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const chosen = [`-Dkafka.version=${version}`, `-DoutputDirectory=${folder}`];
  const args = ['-f', POM, 'dependency:copy-dependencies', ...chosen];
  await runMaven('the embedded Kafka', args, signal);
}

/**
 * @param what it is to fetch, in words
 * @param folder that it is run in
 * @throws GatewayError without Maven, or when it cannot fetch.
 */
export async function runMaven(
  what: string,
  args: readonly string[],
  signal: AbortSignal,
  folder = CLONE,
): Promise<void> {
  const { MAVEN_OPTS = '' } = process.env;
  try {
    // Checksums are only warned about by default: a jar that was damaged on its way would stay.
    await run('mvn', ['-q', '-B', '--strict-checksums', ...args], {
      cwd: folder,
      env: { ...javaEnvironment(), MAVEN_OPTS: [MAVEN_OPTS, ...JAVA_LOCALE].join(' ') },
      signal,
      timeout: FETCH_DEADLINE_MS,
    });
  } catch (error) {
    signal.throwIfAborted();
    const { code, stdout = '' } = error as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw missing('Maven (mvn) was not found on PATH');
    const line = stdout.split('\n').find((text) => text.includes('ERROR')) ?? String(error);
    throw new GatewayError(
      'EMBEDDED_KAFKA',
      `Maven could not fetch ${what} (${line.trim()}): check the network and the proxy ` +
        'in ~/.m2/settings.xml, or set KAFKA_BROKERS=host:port to use a Kafka of your own.',
      { cause: error },
    );
  }
}
