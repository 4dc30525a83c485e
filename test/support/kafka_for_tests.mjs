/**
 * One real Kafka for a whole run of jest, and a folder for all that its cases make; their places are
 * in TEST_KAFKA and TEST_FOLDER. Both end with jest, however that ends, and with them every program
 * that a case left behind.
 *
 * Plain JavaScript, because jest imports it without transforming it; hence from `dist/`.
 */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { guard } from './guard.mjs';

/** Quick, so that real compaction and retention can be waited for. */
const PROPERTIES = {
  'log.cleaner.backoff.ms': '200',
  'log.retention.check.interval.ms': '500',
  'log.segment.delete.delay.ms': '500',
  // For values of 10 MB.
  'message.max.bytes': '16777216',
};

/** @type {() => Promise<void>} */
let end = async () => {};

export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-test-'));
  const clean = guard(folder);
  process.env['TEST_FOLDER'] = folder;
  const broker = await startKafka(join(folder, 'kafka'));
  process.env['TEST_KAFKA'] = broker.brokers;
  end = async () => {
    await broker.kill();
    await clean();
  };
}

/** Ends what `setup()` started. */
export function teardown() {
  return end();
}

/** @param {string} dataDir */
async function startKafka(dataDir) {
  const dist = process.env['GATEWAY_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url));
  /** @param {string} file */
  const load = (file) =>
    import(pathToFileURL(join(dist, 'runtime', 'kafka', 'embedded', file)).href);
  const { startBroker } = await load('broker.js');
  const { freePort } = await load('ports.js');
  return startBroker({
    port: await freePort(),
    dataDir,
    properties: PROPERTIES,
    signal: new AbortController().signal,
    onProgress: (/** @type {string} */ line) => process.stderr.write(`tests: ${line}\n`),
  });
}
