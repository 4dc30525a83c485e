/**
 * One real Kafka for a whole run of jest, and a folder for all that its cases make; their places are
 * in TEST_KAFKA and TEST_FOLDER. Both end with jest, however that ends, and with them every program
 * that a case left behind.
 *
 * Plain JavaScript, because jest imports it without transforming it; hence from `dist/`.
 */

import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Quick, so that real compaction and retention can be waited for. */
const PROPERTIES = {
  'log.cleaner.backoff.ms': '200',
  'log.retention.check.interval.ms': '500',
  'log.segment.delete.delay.ms': '500',
  // For values of 10 MB.
  'message.max.bytes': '16777216',
};

/**
 * Cleans up once its pipe is closed: the kernel does that when jest dies, of SIGKILL too. A program
 * of this run has TEST_FOLDER in its environment, as it got it from whoever started it; where there
 * is no /proc, none is found.
 */
const GUARD = `
  const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
  const [folder] = process.argv.slice(1);
  const isOurs = (pid) => {
    try {
      return readFileSync('/proc/' + pid + '/environ', 'utf8').includes('TEST_FOLDER=' + folder);
    } catch {
      return false; // It has ended, or is no process.
    }
  };
  process.stdin.resume().on('close', () => {
    const pids = existsSync('/proc') ? readdirSync('/proc').filter(isOurs) : [];
    for (const pid of pids) {
      try { process.kill(Number(pid), 'SIGKILL'); } catch {}
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
`;

/** @type {() => Promise<void>} */
let end = async () => {};

export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-test-'));
  const guard = spawn(process.execPath, ['-e', GUARD, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  process.env['TEST_FOLDER'] = folder;
  const broker = await startKafka(join(folder, 'kafka'));
  process.env['TEST_KAFKA'] = broker.brokers;
  end = async () => {
    await broker.kill();
    const cleaned = new Promise((resolve) => guard.on('exit', resolve));
    guard.stdin.end();
    await cleaned;
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
