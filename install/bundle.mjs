/**
 * Puts what a start on Node loads into a few files of `dist/`: from some 700 modules, half of them of
 * one package, it takes twice as much of a processor. To be run after the compiler, whose `node.js`
 * and whose door to that package it replaces; all else in `dist/` stays as it is.
 *
 *     node install/bundle.mjs
 *
 * Without it a gateway starts as well, only later: where esbuild is not installed, it says so.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './clone.mjs';
import { say } from './say.mjs';

const OUT = join(root, 'dist', 'runtime');
/** What several of the files have in common. */
const SHARED = 'bundle-';

const esbuild = await findEsbuild();
if (esbuild === null) say('esbuild is not installed (npm ci): a start on Node will take longer');
else await bundle(esbuild.build);

/** @param {(options: object) => Promise<unknown>} build */
async function bundle(build) {
  // Each has a name by its content.
  for (const file of readdirSync(OUT)) if (file.startsWith(SHARED)) rmSync(join(OUT, file));
  await build({
    absWorkingDir: root,
    entryPoints: ['runtime/node.ts', 'runtime/kafka/protocol/platformatic_on_node20.ts'],
    outbase: 'runtime',
    outdir: OUT,
    chunkNames: `${SHARED}[name]-[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: [
      // Native, or with files of their own.
      '@confluentinc/kafka-javascript',
      '@node-rs/crc32',
      '@platformatic/wasm-utils',
      // `late_validators.ts` asks for this very module.
      'ajv/dist/2020.js',
      // Only if it is installed.
      'protobufjs',
      // For the first start alone. A package of CommonJS would have no names in an `import()`.
      'selfsigned',
    ],
    // Packages of CommonJS that ask for modules of Node.
    banner: {
      js: "import { createRequire as bundleRequire } from 'node:module'; const require = bundleRequire(import.meta.url);",
    },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
}

/** @returns {Promise<{ build(options: object): Promise<unknown> } | null>} */
async function findEsbuild() {
  const name = 'esbuild';
  try {
    return await import(name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return null;
  }
}
