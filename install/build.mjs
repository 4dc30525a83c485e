import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './clone.mjs';
import { runLong } from './command.mjs';

const DIST = join(root, 'dist');
/** Written after the compiler has ended well, so that a cut or failed build is done again. */
const STAMP_FILE = join(DIST, '.prepared');
const BUNDLE = 'install/bundle.mjs';
const SOURCE_FOLDERS = ['app', 'runtime'];
const SETTINGS = [
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.build.json',
  BUNDLE,
  'install/esbuild.mjs',
];

/** `dist/`, compiled from the TypeScript sources and bundled. */
export const build = { ready, make };

function ready() {
  return existsSync(STAMP_FILE) && readFileSync(STAMP_FILE, 'utf8') === sourceState();
}

async function make() {
  const state = sourceState();
  // From scratch, or the output of deleted sources would stay; it costs 2 s at most.
  rmSync(DIST, { recursive: true, force: true });
  await runLong(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    {
      label: 'building',
      about: '2 s',
      log: 'tsc.log',
      deadlineSeconds: 300,
    },
  );
  await runLong(process.execPath, [BUNDLE], {
    label: 'bundling',
    about: '2 s',
    log: 'bundle.log',
    deadlineSeconds: 300,
  });
  writeFileSync(STAMP_FILE, state);
}

/**
 * Changes when a source is changed, added, renamed or deleted. Names, times and sizes are
 * compared for being the same, not for being older: a file copied with its old time counts too.
 */
function sourceState() {
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...SOURCE_FOLDERS.flatMap(sources)].sort()) {
    const { mtimeMs, size } = statSync(join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** @param {string} folder */
function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}
