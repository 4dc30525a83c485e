import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BANNER, FOR_NODE, findEsbuild } from '../../install/esbuild.mjs';
import { takeGlobals } from './transform.mjs';

const CLIENT = '@platformatic/kafka';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', 'kafka-client-of-tests');

/**
 * The Kafka client that suites write with, in one file: each suite loads it anew, and of its 330
 * modules that takes half a second of a processor. Made anew where a package has changed.
 *
 * @returns {Promise<Record<string, string>>} where jest finds it; nothing where it has to look itself
 */
export async function bundledClient() {
  const packages = readFileSync(join(ROOT, 'package-lock.json'));
  const hash = createHash('sha256').update(packages).update(JSON.stringify(FOR_NODE));
  const file = join(FOLDER, `${hash.digest('hex').slice(0, 16)}.mjs`);
  if (!existsSync(file)) {
    const build = await findEsbuild();
    if (build === null) return {};
    mkdirSync(FOLDER, { recursive: true });
    // Whole or not at all: another run may be about to load it.
    const own = `${file}.${process.pid}`;
    const entryPoints = [fileURLToPath(import.meta.resolve(CLIENT))];
    await build({ ...FOR_NODE, entryPoints, outfile: own, banner: { js: BANNER } });
    writeFileSync(own, takeGlobals(readFileSync(own, 'utf8')));
    renameSync(own, file);
  }
  return { [`^${CLIENT}$`]: file };
}
