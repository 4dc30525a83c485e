/**
 * One real Kafka for a whole run of jest, and a folder for all that its cases make; their places are
 * in TEST_KAFKA and TEST_FOLDER; and hosts of gateways. All end with jest, however that ends, and with them every program
 * that a case left behind.
 *
 * Plain JavaScript, because jest imports it without transforming it; hence from `dist/`.
 */

import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { guard } from './guard.mjs';
import startHosts, { teardown as endHosts } from './hosts_for_tests.mjs';
import { keepClasses } from './keep_classes.mjs';

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

const log = (/** @type {string} */ line) => process.stderr.write(`tests: ${line}\n`);

export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-test-'));
  const clean = guard(folder);
  process.env['TEST_FOLDER'] = folder;
  const madeOnce = join(folder, 'made-once');
  await mkdir(madeOnce);
  const { LOG_DIR } = await load('embedded_kafka/storage.js');
  const { loadCertificate } = await load('server/tls.js');
  const certificate = loadCertificate({ tlsCertFile: null, tlsKeyFile: null }, madeOnce);
  const jars = await formatKafka(madeOnce);
  /** @param {string} name */
  const newDataDir = async (name) => {
    const dataDir = join(folder, name);
    await cp(join(madeOnce, LOG_DIR), join(dataDir, LOG_DIR), { recursive: true });
    return dataDir;
  };
  const broker = await startKafka(await newDataDir('kafka'));
  const forClasses = await newDataDir('kafka-for-classes');
  const { classArchive } = await load('embedded_kafka/broker.js');
  // Beside the first suites. It ends with this folder.
  void keepClasses(classArchive(jars), forClasses, (options) => startKafka(forClasses, options));
  await certificate;
  process.env['TEST_KAFKA'] = broker.brokers;
  await startHosts();
  end = async () => {
    await endHosts();
    await broker.kill();
    await clean();
  };
}

/** Ends what `setup()` started. */
export function teardown() {
  return end();
}

/**
 * Makes the folder that each Kafka of a test takes a copy of.
 *
 * @param {string} dataDir
 * @returns {Promise<string>} the folder of its jars
 */
async function formatKafka(dataDir) {
  const { signal } = new AbortController();
  const { findJava } = await load('embedded_kafka/java.js');
  const { fetchJars } = await load('embedded_kafka/jars.js');
  const { formatStorage } = await load('embedded_kafka/storage.js');
  const { serverProperties } = await load('embedded_kafka/server_properties.js');
  const properties = (/** @type {string} */ logDir) =>
    serverProperties({ port: 1, controllerPort: 2, ipv6: false, logDir, properties: {} });
  const [java, jars] = [await findJava(signal), await fetchJars(signal, log)];
  await formatStorage(java, jars, dataDir, properties, signal);
  return jars;
}

/**
 * @param {string} dataDir
 * @param {readonly string[]} jvmOptions
 */
async function startKafka(dataDir, jvmOptions = []) {
  const { startBroker } = await load('embedded_kafka/broker.js');
  const { freePort } = await load('embedded_kafka/ports.js');
  return startBroker({
    port: await freePort(),
    dataDir,
    properties: PROPERTIES,
    jvmOptions,
    signal: new AbortController().signal,
    onProgress: log,
  });
}

/**
 * A module of the gateway as it was built.
 *
 * @param {string} file
 */
function load(file) {
  const dist = process.env['GATEWAY_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url));
  return import(pathToFileURL(join(dist, 'runtime', file)).href);
}
