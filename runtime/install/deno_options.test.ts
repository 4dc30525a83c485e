import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { SETTINGS } from '../../app/config.ts';
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

  test('denoOptions() lets it read the files of the settings beside the clone', () => {
    const settings = { KAFKA_BROKERS: 'a:1', TLS_CERT_FILE: "/it's a, b", TLS_KEY_FILE: 'key.pem' };
    expect(options(settings)).toEqual([
      '--permission-set=gateway',
      `--allow-read=${root},/it's a,, b,key.pem`,
    ]);
  });

  test('denoOptions() knows every setting that names a file', () => {
    for (const { name } of Object.values(SETTINGS)) {
      expect(options({ [name]: '/some/file' }).length === 2).toBe(name.endsWith('_FILE'));
    }
  });
});

describe('the permissions in deno.json', () => {
  const { permissions } = JSON.parse(readFileSync(`${root}deno.json`, 'utf8'));

  test('let the gateway see every setting, and nothing else of the environment', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    expect(permissions.gateway.env).toEqual({ allow: names, ignore: true });
  });
});
