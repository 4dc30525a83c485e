import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { FOR_NODE, findEsbuild } from '../../install/esbuild.mjs';

const CLIENT = '@platformatic/kafka';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', 'kafka-client-of-tests');

/** A module of ES knows its own place; and what Node 20 lacks. */
const BANNER = `const moduleUrl = require('node:url').pathToFileURL(__filename).href;
Promise.withResolvers ??= function () {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};`;

/**
 * The Kafka client that suites write with, in one file that a worker loads once (`environment.mjs`):
 * of its 330 modules that takes half a second of a processor. Made anew where a package has changed.
 *
 * @returns {Promise<Record<string, string>>} where jest finds it; nothing where it has to look itself
 */
export async function bundledClient() {
  const packages = readFileSync(join(ROOT, 'package-lock.json'));
  const hash = createHash('sha256')
    .update(packages)
    .update(JSON.stringify([FOR_NODE, BANNER]));
  const folder = join(FOLDER, hash.digest('hex').slice(0, 16));
  const bundle = join(folder, 'client.cjs');
  const door = join(folder, 'load_once.cjs');
  if (!existsSync(folder)) {
    const build = await findEsbuild();
    if (build === null) return {};
    // Whole or not at all: another run may be about to load it.
    const own = `${folder}.${process.pid}`;
    mkdirSync(own, { recursive: true });
    await build({
      ...FOR_NODE,
      format: 'cjs',
      define: { 'import.meta.url': 'moduleUrl' },
      entryPoints: [fileURLToPath(import.meta.resolve(CLIENT))],
      outfile: join(own, 'client.cjs'),
      banner: { js: BANNER },
    });
    writeFileSync(
      join(own, 'load_once.cjs'),
      `module.exports = requireOnce(${JSON.stringify(bundle)});\n`,
    );
    try {
      renameSync(own, folder);
    } catch (error) {
      // Unless that one was quicker.
      if (!existsSync(door)) throw error;
      rmSync(own, { recursive: true });
    }
  }
  return { [`^${CLIENT}$`]: door };
}
