import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CLONE } from '../runtime/embedded_kafka/clone.ts';
import { pack } from './pack.mjs';

const { version } = JSON.parse(readFileSync(join(CLONE, 'package.json'), 'utf8'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function manifest(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** What a file of the package imports from beside it. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/(?:from|import\() ?'\.\/([^']+)'|new URL\('\.\/([^']+)'/g)].map(
    ([, imported, url]) => imported ?? url!,
  );
}

describe('pack()', () => {
  test.each(['client', 'sse-cat'] as const)(
    'pack() makes of %s a package that is whole',
    (name) => {
      pack(name, folder);
      expect(manifest()).toMatchObject({ version, license: 'Apache-2.0', type: 'module' });
      expect(manifest()).not.toHaveProperty('private');
      const files = readdirSync(folder);
      expect(files).toContain('LICENSE');
      expect(files.filter((file) => file.includes('.test.'))).toEqual([]);
      const code = files.filter((file) => /\.m?js$/.test(file));
      expect(code.length).toBeGreaterThan(2);
      for (const file of code) {
        for (const imported of importsOf(file))
          expect([file, files]).toEqual([file, expect.arrayContaining([imported])]);
      }
    },
  );
});
