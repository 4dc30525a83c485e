import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './clone.mjs';
import { runLong } from './command.mjs';
import { missingFeatures } from './kafka_client_features.mjs';
import { nodeGyp, nodeHeaders } from './node_headers.mjs';
import { PrepareError } from './say.mjs';

const WORK = join(root, '.cache', 'kafka-client', 'work');
/** What an earlier compile inside the package leaves; configured anew, it must not be used. */
const LEFT_OVER = /^build$|^deps\/librdkafka\/(config\.(h|cache)|Makefile\.config)$|\.o$/;
/** The addon finds them at ../deps, whichever folder it is moved to. */
const SHARED_LIBRARY = /\.so\.\d+$|\.\d+\.dylib$/;
/** One takes half a gigabyte, and the addon has eleven files. */
const MOST_JOBS = 4;

/**
 * Compiles the Kafka client in a copy of its package and leaves what is needed of the result
 * (17 of 300 MB) in `to`, laid out like the package's own `build/`. The copy lies inside the
 * clone because the compile resolves `nan` from its node_modules.
 *
 * @param {string} packageFolder
 * @param {string} to exists only once everything is in it
 * @throws {PrepareError}
 */
export async function compile(packageFolder, to) {
  if (/\s/.test(root)) {
    throw new PrepareError(
      `the Kafka client cannot be compiled below a folder with a space in its name: move ${root}`,
    );
  }
  rmSync(WORK, { recursive: true, force: true });
  const source = join(WORK, 'source');
  const result = join(WORK, 'result');
  const filter = (/** @type {string} */ file) => !LEFT_OVER.test(relative(packageFolder, file));
  await cp(packageFolder, source, { recursive: true, filter });

  const gyp = nodeGyp();
  const jobs = Math.min(availableParallelism(), MOST_JOBS);
  const recipe = join(source, 'deps', 'librdkafka.gyp');
  await writeFile(recipe, boundedMake(await readFile(recipe, 'utf8'), jobs));
  // gyp does not know that librdkafka, and of it config.h, has to be made before all else.
  const steps = ['configure', 'build librdkafka', `build --jobs ${jobs}`];
  const script = steps.map((step) => `"$@" ${step}`).join(' && ');
  await runLong('sh', ['-c', script, 'sh', gyp.command, ...gyp.args], {
    label: 'compiling the Kafka client, this once',
    about: '60 to 200 s',
    log: 'kafka-client-compile.log',
    deadlineSeconds: 1_800,
    cwd: source,
    env: compilerEnvironment(process.env, await nodeHeaders(WORK)),
  });
  const missing = await missingFeatures(source);
  if (missing.length > 0) {
    const lines = missing.map((feature) => `\n    ${feature.name} (package: ${feature.package})`);
    throw new PrepareError(
      `the compiled Kafka client lacks what these packages bring:${lines.join('')}\n` +
        'Install them and start again.',
    );
  }

  for (const folder of ['Release', 'deps']) {
    mkdirSync(join(result, folder), { recursive: true });
    for (const file of readdirSync(join(source, 'build', folder))) {
      if (file.endsWith('.node') || SHARED_LIBRARY.test(file)) {
        renameSync(join(source, 'build', folder, file), join(result, folder, file));
      }
    }
  }
  rmSync(to, { recursive: true, force: true });
  renameSync(result, to);
  rmSync(WORK, { recursive: true, force: true });
}

/**
 * librdkafka's recipe with as many compilers at once as there is room for: it says `make -j`, which
 * starts one for each of its hundred files.
 *
 * @param {string} recipe
 * @param {number} jobs
 */
export function boundedMake(recipe, jobs) {
  return recipe.replaceAll('"make", "-j",', `"make", "-j${jobs}",`);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string | null} headers
 * @returns {NodeJS.ProcessEnv}
 */
export function compilerEnvironment(env, headers) {
  // How many work at once is for compile() to say.
  const unwanted = /^(JOBS|MAKEFLAGS|BUILD_LIBRDKAFKA|npm_config_(jobs|nodedir))$/i;
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !unwanted.test(name))),
    // Against the system's OpenSSL, zlib and zstd; statically it would fetch their sources.
    CKJS_LINKING: 'dynamic',
    ...(headers === null ? {} : { npm_config_nodedir: headers }),
  };
}
