import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { IS_ALL } from '../../test/support/tier.ts';
import { fetchJars } from './jars.ts';
import { findJava } from './java.ts';
import { serverProperties } from './server_properties.ts';
import { formatStorage, readClusterId, wipeStorage } from './storage.ts';

/** `embedded_kafka.test.ts` starts all of it with these settings. */
const testOfAll = IS_ALL ? test : () => {};

let java: string;
let jars: string;
beforeAll(async () => {
  const signal = AbortSignal.timeout(300_000);
  java = await findJava(signal);
  jars = await fetchJars(signal, () => {});
});

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'storage-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const properties = (logDir: string): string =>
  serverProperties({ port: 9092, controllerPort: 9093, ipv6: false, logDir, properties: {} });
const format = (signal = AbortSignal.timeout(200_000)): Promise<void> =>
  formatStorage(java, jars, dataDir, properties, signal);

test('formatStorage() gives a folder its cluster id once', async () => {
  expect(readClusterId(dataDir)).toBeNull();
  await format();
  const clusterId = readClusterId(dataDir);
  expect(clusterId).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  expect(readdirSync(dataDir)).toEqual(['log']);
  await format();
  expect(readClusterId(dataDir)).toBe(clusterId);
});

testOfAll('formatStorage() does so on a machine that is set to Turkish', async () => {
  process.env['JAVA_TOOL_OPTIONS'] = '-Duser.language=tr -Duser.country=TR';
  try {
    await format();
  } finally {
    delete process.env['JAVA_TOOL_OPTIONS'];
  }
  expect(readClusterId(dataDir)).not.toBeNull();
});

test('formatStorage() leaves no half a folder when it is cut, and mends what a kill left', async () => {
  const abort = new AbortController();
  const cut = format(abort.signal);
  const deadline = Date.now() + 90_000;
  while (readdirSync(dataDir).length === 0 && Date.now() < deadline) {
    await new Promise(setImmediate);
  }
  abort.abort(new Error('cut'));
  await expect(cut).rejects.toThrow('cut');
  expect(readClusterId(dataDir)).toBeNull();

  mkdirSync(join(dataDir, 'partial-1', '__cluster_metadata-0'), { recursive: true });
  writeFileSync(join(dataDir, 'partial-1', 'meta.properties'), 'cluster.i');
  await format();
  expect(readClusterId(dataDir)).not.toBeNull();
  expect(readdirSync(dataDir)).toEqual(['log']);
});

test('formatStorage() tells what to do with a folder that lost its cluster id', async () => {
  mkdirSync(join(dataDir, 'log', 'events-0'), { recursive: true });
  await expect(format()).rejects.toThrow('npm run kafka -- reset');
  expect(existsSync(join(dataDir, 'log', 'events-0'))).toBe(true);
});

test('formatStorage() tells why Kafka could not', async () => {
  const broken = formatStorage('false', jars, dataDir, properties, AbortSignal.timeout(200_000));
  await expect(broken).rejects.toThrow(/could not make .*KAFKA_BROKERS/);
});

test('wipeStorage() removes the records, and what an earlier one left', async () => {
  mkdirSync(join(dataDir, 'log', 'events-0'), { recursive: true });
  mkdirSync(join(dataDir, 'partial-1', 'events-0'), { recursive: true });
  await wipeStorage(dataDir);
  expect(readdirSync(dataDir)).toEqual([]);
  await wipeStorage(dataDir);
});
