import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError } from '../../app/errors.ts';
import { JAVA_LOCALE, javaCause, javaEnvironment } from './java.ts';

const run = promisify(execFile);

/** Folder of the records, below the broker's own. */
export const LOG_DIR = 'log';
const PARTIAL = 'partial-';
const FORMAT_DEADLINE_MS = 60_000;

/** `null` where nothing was formatted yet. */
export function readClusterId(dataDir: string): string | null {
  const file = join(dataDir, LOG_DIR, 'meta.properties');
  if (!existsSync(file)) return null;
  return /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? null;
}

/**
 * Makes the folder that Kafka keeps its records in, with a new cluster id, unless it is there. It
 * appears whole, by rename, so that one whose making was cut is made anew.
 *
 * @param properties text of `server.properties` for records in the given folder.
 * @throws GatewayError when Kafka cannot make it.
 */
export async function formatStorage(
  java: string,
  jars: string,
  dataDir: string,
  properties: (logDir: string) => string,
  signal: AbortSignal,
): Promise<void> {
  if (readClusterId(dataDir) !== null) return;
  if (existsSync(join(dataDir, LOG_DIR))) {
    throw new GatewayError(
      'EMBEDDED_KAFKA',
      `${join(dataDir, LOG_DIR)} was damaged, it has no cluster id: \`npm run kafka -- reset\` wipes it.`,
    );
  }
  await removeCut(dataDir);
  const logDir = PARTIAL + randomUUID();
  const file = `${logDir}.properties`;
  await writeFile(join(dataDir, file), properties(logDir));
  const options = [...JAVA_LOCALE, '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*')];
  try {
    await run(
      java,
      [...options, 'kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', file],
      {
        cwd: dataDir,
        env: javaEnvironment(),
        signal,
        timeout: FORMAT_DEADLINE_MS,
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    const { stderr } = error as { stderr?: string };
    throw new GatewayError(
      'EMBEDDED_KAFKA',
      `The embedded Kafka could not make ${dataDir} (${javaCause(stderr || String(error))}): ` +
        'give it room and rights, or set KAFKA_BROKERS=host:port to use a Kafka of your own.',
      { cause: error },
    );
  }
  await rename(join(dataDir, logDir), join(dataDir, LOG_DIR));
  await rm(join(dataDir, file));
}

/** Removes the records. They are gone at once: what is cut here is removed at the next start. */
export async function wipeStorage(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, LOG_DIR))) {
    await rename(join(dataDir, LOG_DIR), join(dataDir, PARTIAL + randomUUID()));
  }
  await removeCut(dataDir);
}

/** What was cut while it was made or removed. Its JVM may live on: hence a new name each time. */
async function removeCut(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir).catch(() => [])) {
    if (name.startsWith(PARTIAL)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

/** As Kafka writes a UUID: base64url. One that begins with `-` would be read as an option. */
function newClusterId(): string {
  let id: string;
  do id = randomBytes(16).toString('base64url');
  while (id.startsWith('-'));
  return id;
}
