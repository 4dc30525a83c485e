import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadBuilt } from './built.mjs';
import { Child } from './child.mjs';
import { untilQuiet } from './machine.mjs';
import { treeUsage } from './process_tree.mjs';
import { RunningServer } from './running_server.mjs';

/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {import('./workloads.mjs').Workload} Workload */

/**
 * What the runs of one benchmark share.
 *
 * @typedef {object} Bench
 * @property {import('./kafka.mjs').BenchKafka} kafka
 * @property {Child} producer
 * @property {string} folder
 * @property {string} serverCore
 * @property {number} warmSeconds
 * @property {number} measureSeconds
 * @property {number} patienceMs what is left of it, for others to leave the machine alone
 */

/**
 * The figures of one run, by name; seconds, milliseconds or kB as the name says.
 *
 * @typedef {Partial<import('./load.mjs').Window> & {
 *   busyBefore: number, busy: number, firstBytesMs?: number, kbPerClient?: number,
 *   feedBytes?: number, p50?: number, last?: number,
 * }} Figures
 */

const CONNECT_MS = 60_000;
const REPLAY_MS = 120_000;
/** One run waits no longer than this for a quiet machine. */
const WAIT_MS = 10_000;
/** For what is idle to come to rest before its memory is read. */
const REST_MS = 500;

let runs = 0;
/** Topics that have been filled. @type {Map<string, Promise<string>>} */
const filled = new Map();

/**
 * Runs one workload on one server, both started anew.
 *
 * @param {Bench} bench
 * @param {Server} server
 * @param {Workload} workload
 * @returns {Promise<Figures>}
 */
export async function run(bench, server, workload) {
  const { freePort } = await loadBuilt('ports.js');
  const partitions = workload.kind === 'live' ? workload.partitions : 1;
  const names = Array.from({ length: workload.kind === 'live' ? workload.topics : 1 }, (_, n) =>
    n === 0 ? `run-${runs}` : `run-${runs}-${n}`,
  );
  runs++;
  const place = {
    brokers: bench.kafka.brokers,
    topic: workload.kind === 'replay' ? await filledTopic(bench, workload) : names.join(),
    partitions,
    port: await freePort(),
    adminPort: await freePort(),
    folder: await mkdtemp(join(bench.folder, 'server-')),
  };
  if (workload.kind !== 'replay') {
    for (const name of names) await bench.kafka.createTopic(name, { partitions });
  }
  const running = await RunningServer.start(server, place, bench.serverCore);
  const load = new Child('load.mjs');
  try {
    const { busy: busyBefore, waitedMs } = await untilQuiet(Math.min(bench.patienceMs, WAIT_MS));
    bench.patienceMs -= waitedMs;
    const figures = await measure(bench, server, workload, { place, load, pid: running.pid });
    return { busyBefore, ...figures };
  } finally {
    await Promise.all([load.end(), running.stop()]);
  }
}

/**
 * @param {Bench} bench
 * @param {Server} server
 * @param {Workload} workload
 * @param {{ place: Place, load: Child, pid: number }} started
 * @returns {Promise<Omit<Figures, 'busyBefore'>>}
 */
async function measure(bench, server, workload, { place, load, pid }) {
  const { clients } = workload;
  const url = server.url(place);
  if (workload.kind === 'replay') {
    const crowd = { url, clients, atOnce: true, lastSeq: workload.records - 1 };
    const window = await load.call('replay', { server: pid, crowd }, REPLAY_MS);
    return { ...window, ...(await feedBytes(place)) };
  }

  const before = treeUsage(pid).rssKb;
  const crowd =
    workload.kind === 'connects'
      ? { url, clients, atOnce: true }
      : // Between partitions there is no order.
        {
          url: url + workload.query,
          clients,
          atOnce: false,
          ordered: workload.partitions * workload.topics === 1,
          gzip: workload.gzip,
        };
  const connected = await load.call('connect', crowd, CONNECT_MS);
  if (workload.kind === 'connects') {
    await delay(REST_MS);
    const idle = await load.call('watch', { server: pid, seconds: 1 }, CONNECT_MS);
    return {
      ...idle,
      firstBytesMs: connected.last,
      kbPerClient: (idle.rssKb - before) / clients,
      ...(await feedBytes(place)),
    };
  }

  const { rate, burst, json } = workload;
  const { warmSeconds, measureSeconds } = bench;
  const seconds = warmSeconds + measureSeconds;
  const paced = bench.producer.call(
    'pace',
    { sink: server.sink(place), rate, burst, json, seconds: seconds + 0.2 },
    seconds * 1000 + CONNECT_MS,
  );
  await delay(warmSeconds * 1000);
  const watched = load.call('watch', { server: pid, seconds: measureSeconds }, REPLAY_MS);
  const [window] = await Promise.all([watched, paced]);
  return { ...window, ...(await feedBytes(place)) };
}

/**
 * What the gateway says of its own memory, where it has metrics.
 *
 * @param {Place} place
 */
async function feedBytes({ adminPort }) {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    const line = /^sse_kafka_feed_bytes\S* (\S+)$/m.exec(await response.text());
    return line === null ? {} : { feedBytes: Number(line[1]) };
  } catch {
    return {};
  }
}

/**
 * @param {Bench} bench
 * @param {import('./workloads.mjs').Replay} workload
 */
function filledTopic({ kafka, producer }, { records, keys }) {
  const topic = `filled-${records}-${keys ?? 'all'}`;
  let ready = filled.get(topic);
  if (ready === undefined) {
    ready = (async () => {
      await kafka.createTopic(topic, { compacted: keys !== null });
      const wanted = { brokers: kafka.brokers, topic, records, keys: keys ?? 1000 };
      await producer.call('fill', wanted, REPLAY_MS);
      return topic;
    })();
    filled.set(topic, ready);
  }
  return ready;
}
