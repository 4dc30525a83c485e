/**
 * `pack.mjs client|sse-cat FOLDER` makes a folder that `npm publish` takes: of what other pages import,
 * or of the command-line client.
 *
 * @module
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} file */
function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

const PACKAGES = {
  client: {
    folder: 'public/client',
    files: /\.(js|d\.ts|md)$/,
    manifest: () => readJson('public/client/package.json'),
  },
  'sse-cat': {
    folder: 'sse_cat',
    files: /\.(mjs|1)$|^README\.md$/,
    manifest: () => {
      const { private: _, ...manifest } = readJson('sse_cat/package.json');
      return manifest;
    },
  },
};

/**
 * @param {keyof typeof PACKAGES} name
 * @param {string} to a folder, made if it is not there
 */
export function pack(name, to) {
  const { folder, files, manifest } = PACKAGES[name];
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(join(root, folder))) {
    if (files.test(file) && !file.includes('.test.'))
      cpSync(join(root, folder, file), join(to, file));
  }
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = '', to = ''] = process.argv.slice(2);
  if (!Object.hasOwn(PACKAGES, name) || to === '') {
    process.stderr.write(`usage: pack.mjs ${Object.keys(PACKAGES).join('|')} FOLDER\n`);
    process.exitCode = 64;
  } else {
    pack(/** @type {keyof typeof PACKAGES} */ (name), to);
  }
}
