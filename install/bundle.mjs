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
import { BANNER, FOR_NODE, findEsbuild } from './esbuild.mjs';
import { say } from './say.mjs';

const OUT = join(root, 'dist', 'runtime');
/** What several of the files have in common. */
const SHARED = 'bundle-';

const build = await findEsbuild();
if (build === null) {
  say('esbuild is not installed (npm ci): a start on Node will take longer');
} else {
  // Each has a name by its content.
  for (const file of readdirSync(OUT)) if (file.startsWith(SHARED)) rmSync(join(OUT, file));
  await build({
    ...FOR_NODE,
    absWorkingDir: root,
    entryPoints: ['runtime/node.ts', 'runtime/kafka/protocol/platformatic_on_node20.ts'],
    outbase: 'runtime',
    outdir: OUT,
    chunkNames: `${SHARED}[name]-[hash]`,
    splitting: true,
    banner: { js: BANNER },
    sourcemap: true,
    sourcesContent: false,
  });
}
