import { existsSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** With other suites beside it, and of a JVM that writes 50 MB at its end. */
const END_MS = 120_000;
const POLL_MS = 100;

/**
 * Keeps the classes of Kafka as a JVM has them once they are loaded, for the brokers that start after
 * this: it costs two starts once, and saves a third of each, in later runs, too. Without it they only
 * take longer, so that nothing that goes wrong here matters.
 *
 * @param {string} archive where they are kept; nothing is done where it is there
 * @param {string} folder of that Kafka
 * @param {(jvmOptions: readonly string[]) => Promise<{ pid: number }>} startKafka
 */
export async function keepClasses(archive, folder, startKafka) {
  if (existsSync(archive)) return;
  try {
    const made = join(folder, 'made.jsa');
    const { pid } = await startKafka([`-XX:ArchiveClassesAtExit=${made}`]);
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + END_MS;
    while (existsSync(`/proc/${pid}/exe`)) {
      if (performance.now() > deadline) throw new Error('its Kafka does not end');
      await delay(POLL_MS);
    }
    // Whole or not at all, on the disk of the jars.
    await copyFile(made, `${archive}.new`);
    await rename(`${archive}.new`, archive);
  } catch (error) {
    process.stderr.write(`tests: the classes of Kafka are not kept: ${error}\n`);
  }
}
