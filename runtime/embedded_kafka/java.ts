import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { GatewayError } from '../../app/errors.ts';
import { identityOf, type ProcessIdentity } from './process_identity.ts';

const run = promisify(execFile);

/** Kafka 4 runs on no older one. */
const OLDEST_JAVA = 17;
const VERSION_DEADLINE_MS = 10_000;

/**
 * The command that starts Java: of `JAVA_HOME` where that is set, else the one on `PATH`.
 * @throws GatewayError when there is none, or one too old for Kafka.
 */
export async function findJava(signal: AbortSignal): Promise<string> {
  const { JAVA_HOME: home } = process.env;
  const java = home ? join(home, 'bin', 'java') : 'java';
  const where = home ? `JAVA_HOME is ${home}` : 'java on PATH';
  const options = { env: javaEnvironment(), signal, timeout: VERSION_DEADLINE_MS };
  const version = await run(java, ['-version'], options).then(
    ({ stderr }) => majorVersion(stderr),
    () => null,
  );
  signal.throwIfAborted();
  if (version === null) throw missing(`Java ${OLDEST_JAVA} or later was not found (${where})`);
  if (version < OLDEST_JAVA) {
    throw missing(`Java ${OLDEST_JAVA} or later is needed, this is ${version} (${where})`);
  }
  return java;
}

/**
 * The environment for Java: under the locale `C` it finds no file whose path has a letter beyond
 * ASCII, such as a clone in a folder `Käse`.
 */
export function javaEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C.UTF-8' };
}

/**
 * Starts a Java program in a session of its own, so that Ctrl-C in the terminal does not reach it.
 * @param log what it prints; begun anew
 * @returns `null` where it ended at once
 */
export function startJava(
  java: string,
  args: readonly string[],
  cwd: string,
  log: string,
): ProcessIdentity | null {
  const output = openSync(log, 'w');
  const env = javaEnvironment();
  const child = spawn(java, args, { cwd, env, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.on('error', () => {}); // It then has no pid.
  child.unref();
  return child.pid === undefined ? null : identityOf(child.pid);
}

/**
 * What Java is told before a program's name. Left to the machine's language Kafka 4 does not start
 * where that is Turkish: it looks its own words up in capitals, and `i` has another one there.
 */
export const JAVA_LOCALE = ['-Duser.language=en', '-Duser.country=US'] as const;

/** The line of what a Java program printed that says best why it ended. */
export function javaCause(output: string): string {
  const lines = output.trimEnd().split('\n');
  return (
    lines.findLast((line) => line.startsWith('Caused by:')) ??
    lines.find((line) => /error|exception/i.test(line)) ??
    lines.at(-1) ??
    ''
  );
}

/** Of `17.0.15` and of `1.8.0_392`, as Java called itself up to 8. */
function majorVersion(text: string): number | null {
  const [, major] = /version "(?:1\.)?(\d+)/.exec(text) ?? [];
  return major === undefined ? null : Number(major);
}

/** The error for a tool that the embedded Kafka lacks, with both ways out. */
export function missing(what: string): GatewayError {
  const install =
    process.platform === 'darwin'
      ? 'brew install openjdk maven'
      : 'sudo apt-get install default-jre-headless maven';
  return new GatewayError(
    'EMBEDDED_KAFKA',
    `${what}. The embedded Kafka needs it: install it (${install}), ` +
      'or set KAFKA_BROKERS=host:port to use a Kafka of your own.',
  );
}
