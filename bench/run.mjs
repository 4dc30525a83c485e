import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.mjs';
import { untilQuiet } from './machine.mjs';
import { CONNECT_MS, metric, newPlace, pathsOf, REPLAY_MS } from './place.mjs';
import { treeUsage } from './process_tree.mjs';
import { RunningServer } from './running_server.mjs';
import { attack, beats, lookUps, returns } from './views.mjs';
import { STRIDE } from './workloads.mjs';

/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {import('./workloads.mjs').Workload} Workload */
/** @typedef {import('./place.mjs').Bench} Bench */
/** @typedef {import('./place.mjs').Figures} Figures */
/** @typedef {import('./place.mjs').Started} Started */

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
  const isLive = workload.kind === 'live';
  const partitions = isLive ? workload.partitions : 1;
  const names = Array.from({ length: isLive ? workload.topics : 1 }, (_, n) =>
    n === 0 ? `run-${runs}` : `run-${runs}-${n}`,
  );
  runs++;
  const topic = 'records' in workload ? await filledTopic(bench, workload) : names.join();
  const place = await newPlace(bench, topic, partitions, isLive && workload.streams > 0);
  if (!('records' in workload)) {
    const compacted = workload.kind === 'paced';
    for (const name of names) await bench.kafka.createTopic(name, { partitions, compacted });
  }
  const settings = 'settings' in workload ? workload.settings : {};
  const running = await RunningServer.start(server, place, bench.serverCore, settings);
  const load = new Child('load.mjs');
  try {
    const { busy: busyBefore, waitedMs } = await untilQuiet(Math.min(bench.patienceMs, WAIT_MS));
    bench.patienceMs -= waitedMs;
    const figures = await measure({ bench, server, place, running, load }, workload);
    return { busyBefore, ...figures };
  } finally {
    await Promise.all([load.end(), running.stop()]);
  }
}

/**
 * @param {Started} started
 * @param {Workload} workload
 * @returns {Promise<Omit<Figures, 'busyBefore'>>}
 */
async function measure(started, workload) {
  const { bench, server, place, load } = started;
  const { pid } = started.running;
  const { clients } = workload;
  const url = server.url(place);
  if (workload.kind === 'returns') return returns(started, workload);
  if (workload.kind === 'attack') return attack(started, workload);
  if (workload.kind === 'paced') return beats(started, workload);
  if (workload.kind === 'lookUps') return lookUps(started, workload);
  if (workload.kind === 'replay') {
    const crowd = { url, clients, atOnce: true, lastSeq: workload.records - 1 };
    const window = await load.call('replay', { server: pid, crowd }, REPLAY_MS);
    return { ...window, ...(await feedBytes(place)) };
  }

  const before = treeUsage(pid).rssKb;
  const crowd =
    workload.kind === 'connects'
      ? {
          url,
          clients,
          atOnce: true,
          ...(workload.keyed ? { paths: pathsOf(place.topic, clients) } : {}),
        }
      : { url: url + workload.query, clients, atOnce: false, ...ofLive(workload, place) };
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

  const { rate, burst, json, valueBytes } = workload;
  const { warmSeconds } = bench;
  const measureSeconds = workload.seconds ?? bench.measureSeconds;
  const seconds = warmSeconds + measureSeconds;
  const pace = { sink: server.sink(place), rate, burst, json, valueBytes, seconds: seconds + 0.2 };
  const paced = bench.producer.call(
    'pace',
    workload.keys === null ? pace : { ...pace, keys: { count: workload.keys, stride: STRIDE } },
    seconds * 1000 + CONNECT_MS,
  );
  await delay(warmSeconds * 1000);
  const watched = load.call('watch', { server: pid, seconds: measureSeconds }, REPLAY_MS);
  const [window] = await Promise.all([watched, paced]);
  return { ...window, ...(await feedBytes(place)) };
}

/**
 * How its clients ask.
 *
 * @param {import('./workloads.mjs').Live} workload
 * @param {Place} place
 */
function ofLive({ keys, spread, streams, partitions, topics, gzip }, { topic, httpsPort }) {
  const paths = spread ? topic.split(',').map((name) => `/${name}`) : null;
  return {
    // Between partitions there is no order.
    ordered: partitions * topics === 1,
    gzip,
    ...(keys === null ? {} : { keys: { count: keys, stride: STRIDE, all: false } }),
    ...(keys === null ? (paths === null ? {} : { paths }) : { paths: pathsOf(topic, keys) }),
    ...(streams > 0 ? { streams, url: `https://127.0.0.1:${httpsPort}/${topic}` } : {}),
  };
}

/**
 * What the gateway says of its own memory, where it has metrics.
 *
 * @param {Place} place
 */
async function feedBytes(place) {
  try {
    return { feedBytes: await metric(place, 'sse_kafka_feed_bytes') };
  } catch {
    return {};
  }
}

/**
 * @param {Bench} bench
 * @param {Exclude<Workload, { rate: number } | { kind: 'connects' }> | import('./workloads.mjs').Attack} workload
 */
function filledTopic({ kafka, producer }, workload) {
  const { records, kind } = workload;
  const keys = kind === 'replay' ? workload.keys : kind === 'lookUps' ? records : null;
  // What is written while they are away is written later.
  if (kind === 'returns') return newTopic(kafka);
  const topic = `filled-${records}-${keys ?? 'all'}`;
  let ready = filled.get(topic);
  if (ready === undefined) {
    ready = (async () => {
      await kafka.createTopic(topic, { compacted: keys !== null });
      const order = { count: keys ?? 1000, stride: 1 };
      const wanted = { brokers: kafka.brokers, topic, records, keys: order };
      await producer.call('fill', wanted, REPLAY_MS);
      return topic;
    })();
    filled.set(topic, ready);
  }
  return ready;
}

/** @param {import('./kafka.mjs').BenchKafka} kafka */
async function newTopic(kafka) {
  const topic = `run-${runs++}`;
  await kafka.createTopic(topic);
  return topic;
}
