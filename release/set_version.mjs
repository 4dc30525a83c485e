/**
 * `npm version` calls it: writes the version of `package.json` wherever else it stands, and gives the
 * changelog's "Unreleased" that number. `--check VERSION` says whether all of them are that one.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withRelease } from './changelog.mjs';
import { PLACES, versionsBehind } from './places.mjs';

/**
 * @param {string} root of the clone
 * @param {string} version
 * @param {string} day as `2026-01-31`
 */
export function setVersion(root, version, day) {
  for (const [file, before] of PLACES) {
    change(join(root, file), (text) => {
      const changed = text.replace(versionsBehind(before), `$1${version}`);
      if (!versionsBehind(before).test(text))
        throw new Error(`${file} has no version behind ${before}`);
      return changed;
    });
  }
  change(join(root, 'CHANGELOG.md'), (text) => withRelease(text, version, day));
}

/**
 * Places that have another version, in words.
 *
 * @param {string} root of the clone
 * @param {string} version
 */
export function otherVersions(root, version) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
  return [
    ...(own === version ? [] : [`package.json: ${own}`]),
    ...PLACES.flatMap(([file, before]) => {
      const text = readFileSync(join(root, file), 'utf8');
      const found = [...text.matchAll(versionsBehind(before))].map((match) => match.at(-1));
      const others = found.length === 0 ? ['none'] : found.filter((one) => one !== version);
      return others.map((other) => `${file}: ${other} behind ${before}`);
    }),
  ];
}

/**
 * @param {string} path
 * @param {(text: string) => string} make
 */
function change(path, make) {
  writeFileSync(path, make(readFileSync(path, 'utf8')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const at = process.argv.indexOf('--check');
  if (at === -1) {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    setVersion(root, version, new Date().toISOString().slice(0, 10));
  } else {
    const version = process.argv[at + 1] ?? '';
    const others = otherVersions(root, version);
    for (const other of others) process.stderr.write(`not ${version}: ${other}\n`);
    process.exitCode = others.length === 0 ? 0 : 1;
  }
}
