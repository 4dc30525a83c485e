import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from '../app/config/config.ts';
import { root } from './clone.mjs';
import { denoOptions } from './deno_options.mjs';

/** The options as a shell hands them on. */
function options(settings: Record<string, string>): string[] {
  const script = `printf '%s\\n' ${denoOptions(settings)}`;
  return spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.trimEnd().split('\n');
}

describe('denoOptions()', () => {
  test('denoOptions() lets a gateway with brokers of its own start no program', () => {
    expect(options({ KAFKA_BROKERS: 'a:1' })).toEqual(['--permission-set=gateway']);
    expect(options({})).toEqual(['--permission-set=gateway-and-kafka']);
  });

  test('denoOptions() names sets that let it have the authorities which CA_FILE adds to', () => {
    const { permissions } = JSON.parse(readFileSync(join(root, 'deno.json'), 'utf8'));
    for (const name of ['gateway', 'gateway-and-kafka']) {
      expect([name, permissions[name].sys]).toEqual([name, ['ca']]);
    }
  });

  test('denoOptions() lets it read the files of the settings, and no other beside the clone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'deno-options-'));
    try {
      const script = join(folder, 'read.ts');
      writeFileSync(script, 'for (const file of Deno.args) Deno.readTextFileSync(file);');
      const names = ["it's one.pem", 'in, a folder/with a comma.pem', 'key.pem', '../other'];
      const [cert, key, ca, other] = names.map((name) => join(folder, 'files', name));
      for (const file of [cert!, key!, ca!, other!]) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, '');
      }
      const reads = (settings: Record<string, string>, ...files: string[]): boolean => {
        const options = denoOptions({ KAFKA_BROKERS: 'a:1', ...settings });
        const run = `exec "$0" run --quiet --no-prompt --config=deno.json ${options} "$@"`;
        const deno = join(root, 'node_modules/.bin/deno');
        return spawnSync('sh', ['-c', run, deno, script, ...files], { cwd: root }).status === 0;
      };
      expect(reads({}, join(root, 'package.json'))).toBe(true);
      expect(reads({}, cert!)).toBe(false);
      const files = { TLS_CERT_FILE: cert!, KAFKA_CA_FILE: ca! };
      expect(reads(files, join(root, 'package.json'), cert!, ca!)).toBe(true);
      expect(reads(files, other!)).toBe(false);
      expect(reads({ TLS_KEY_FILE: key! }, key!)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('denoOptions() knows every setting that names a file', () => {
    for (const { name } of Object.values(SETTINGS)) {
      expect(options({ [name]: '/some/file' }).length === 2).toBe(name.endsWith('_FILE'));
    }
  });
});
