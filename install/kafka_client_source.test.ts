import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { missingFeatures } from './kafka_client_features.mjs';
import { boundedMake, compilerEnvironment } from './kafka_client_source.mjs';

test('boundedMake() leaves no make of the package that may start as many compilers as it likes', () => {
  const recipe = new URL(
    '../node_modules/@confluentinc/kafka-javascript/deps/librdkafka.gyp',
    import.meta.url,
  );
  const bounded = boundedMake(readFileSync(recipe, 'utf8'), 2);
  expect(bounded).toContain('"make", "-j2", "-C", "librdkafka"');
  expect(bounded).not.toMatch(/"-j"/);
});

describe('compilerEnvironment()', () => {
  test('drops whatever makes the compile parallel, in any spelling', () => {
    const env = { JOBS: 'max', MAKEFLAGS: '-j8', npm_config_jobs: '4', NPM_CONFIG_JOBS: '4' };
    expect(compilerEnvironment({ ...env, HOME: '/h' }, null)).toEqual({
      HOME: '/h',
      CKJS_LINKING: 'dynamic',
    });
  });

  test('names the headers that fit, never a nodedir that was found not to', () => {
    expect(compilerEnvironment({ npm_config_nodedir: '/old' }, '/usr')).toEqual({
      CKJS_LINKING: 'dynamic',
      npm_config_nodedir: '/usr',
    });
    expect(compilerEnvironment({ npm_config_nodedir: '/old' }, null)).toEqual({
      CKJS_LINKING: 'dynamic',
    });
  });
});

describe('missingFeatures()', () => {
  const names = async (ok: boolean, stdout: string) =>
    (await missingFeatures('/package', async () => ({ ok, stdout, stderr: '' }))).map(
      (feature) => feature.name,
    );

  test('names what was left out of a compile without a word', async () => {
    expect(await names(true, '["gzip","snappy","ssl","lz4","zstd","plugins"]')).toEqual([]);
    expect(await names(true, '["snappy","sasl","regex","lz4"]')).toEqual(['ssl', 'gzip', 'zstd']);
  });

  test('names everything where the client does not load', async () => {
    expect(await names(false, '')).toEqual(['ssl', 'gzip', 'zstd', 'snappy', 'lz4']);
  });
});
