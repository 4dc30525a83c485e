/**
 * How clients with views of their own are measured where it is more than a delivery: those who come back, who
 * are many and strange, who take what is new at beats, and whose keys are below memory.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.mjs';
import { CONNECT_MS, metric, newPlace, pathsOf, REPLAY_MS } from './place.mjs';
import { RunningServer } from './running_server.mjs';
import { percentile } from './statistics.mjs';
import { STRIDE } from './workloads.mjs';

/** @typedef {import('./place.mjs').Started} Started */
/** @typedef {Omit<import('./place.mjs').Figures, 'busyBefore'>} Figures */

const READ_MS = 60_000;
const POLL_MS = 50;
const SETTLE_MS = 1500;
const ATTACK_SECONDS = 10;

/**
 * A gateway is killed with all of its clients; another one, which was there, has them all within seconds, with what
 * was written meanwhile.
 *
 * @param {Started} started
 * @param {import('./workloads.mjs').Returns} workload
 * @returns {Promise<Figures>}
 */
export async function returns({ bench, server, place, running, load }, workload) {
  const { clients, records } = workload;
  const { topic, brokers } = place;
  const others = await newPlace(bench, topic);
  const other = await RunningServer.start(server, others, bench.serverCore, workload.settings);
  try {
    const keys = { count: clients, stride: STRIDE, all: false };
    const paths = pathsOf(topic, clients, '&since=latest');
    const crowd = { clients, paths, keys, keepsIds: true };
    await load.call('connect', { ...crowd, url: server.url(place), atOnce: false }, CONNECT_MS);
    await running.kill();
    await bench.producer.call('fill', { brokers, topic, records, keys }, REPLAY_MS);
    const until = performance.now() + READ_MS;
    while ((await metric(others, 'sse_kafka_records_total')) < records) {
      if (performance.now() > until) throw new Error('the other gateway does not read');
      await delay(POLL_MS);
    }
    const returning = { ...crowd, returning: true, lastSeq: records - 1, atOnce: false };
    const window = await load.call(
      'replay',
      { server: other.pid, crowd: { ...returning, url: server.url(others) } },
      REPLAY_MS,
    );
    const readBack = await metric(others, 'sse_kafka_history_records_total');
    return { ...window, readBack: readBack / records, lost: records - window.deliveries };
  } finally {
    await other.stop();
  }
}

/** What strangers ask for: keys that are nowhere, fields of the value that are nowhere, and what has to be looked at. @param {string} topic @param {number} clients */
function strangePaths(topic, clients) {
  const wheres = [
    (/** @type {number} */ n) => `key=nobody-${n}`,
    (/** @type {number} */ n) => `where=${encodeURIComponent(`value.m == "nobody-${n}"`)}`,
    (/** @type {number} */ n) =>
      `where=${encodeURIComponent(`value.m < "${n}" && offset > ${n} && timestamp < ${n}`)}`,
  ];
  return Array.from({ length: clients }, (_, n) => `/${topic}?${wheres[n % wheres.length]?.(n)}`);
}

/**
 * What plain clients notice of many others that come with filters.
 *
 * @param {Started} started
 * @param {import('./workloads.mjs').Attack} workload
 * @returns {Promise<Figures>}
 */
export async function attack({ bench, server, place, running, load }, workload) {
  const { clients, probes, rate } = workload;
  const attackers = new Child('load.mjs');
  try {
    const url = server.url(place);
    const probe = { url: `${url}?since=latest`, clients: probes, atOnce: false };
    await load.call('connect', probe, CONNECT_MS);
    const seconds = ATTACK_SECONDS + 2;
    const paced = bench.producer.call(
      'pace',
      { sink: server.sink(place), rate, burst: 1, seconds },
      seconds * 1000 + CONNECT_MS,
    );
    await delay(1000);
    const watched = load.call('watch', { server: running.pid, seconds: ATTACK_SECONDS }, REPLAY_MS);
    const crowd = { url, paths: strangePaths(place.topic, clients), clients };
    await attackers.call('connect', { ...crowd, atOnce: true, mayBeRefused: true }, CONNECT_MS);
    const [window] = await Promise.all([watched, paced]);
    const streams = await metric(place, 'sse_kafka_connections');
    return { ...window, streams, share: shareOf(window) };
  } finally {
    await attackers.end();
  }
}

/**
 * Clients that take what is new at beats; beside them, for a while, one that takes it all.
 *
 * @param {Started} started
 * @param {import('./workloads.mjs').Paced} workload
 * @returns {Promise<Figures>}
 */
export async function beats({ bench, server, place, running, load }, workload) {
  const { clients, keys: count, rate, every } = workload;
  const probe = new Child('load.mjs');
  const url = server.url(place);
  const keys = { count, stride: STRIDE, all: true };
  const crowd = { url: `${url}?every=${every}`, clients, keys, atOnce: false };
  await load.call('connect', crowd, CONNECT_MS);
  const { warmSeconds } = bench;
  const measureSeconds = Math.ceil((2 * every) / 1000) + bench.measureSeconds;
  const seconds = warmSeconds + 2 * measureSeconds;
  const paced = bench.producer.call(
    'pace',
    { sink: server.sink(place), rate, burst: 10, keys, seconds },
    seconds * 1000 + CONNECT_MS,
  );
  let kept;
  try {
    await probe.call('connect', { url, clients: 1, atOnce: false }, CONNECT_MS);
    await delay(warmSeconds * 1000);
    const watch = { server: running.pid, seconds: measureSeconds };
    const [some, all] = await Promise.all([
      load.call('watch', watch, REPLAY_MS),
      probe.call('watch', watch, REPLAY_MS),
    ]);
    kept = some.bytes / (all.bytes * clients);
  } finally {
    await probe.end();
  }
  const watch = { server: running.pid, seconds: measureSeconds + SETTLE_MS / 1000 };
  const [window, { sent }] = await Promise.all([load.call('watch', watch, REPLAY_MS), paced]);
  const lacking = await load.call('lacking', sent, REPLAY_MS);
  return {
    ...window,
    lost: lacking,
    keptBytes: kept,
    share: shareOf({ ...window, seconds: measureSeconds }),
  };
}

/**
 * New clients, each with a key of its own, one after the other.
 *
 * @param {Started} started
 * @param {import('./workloads.mjs').LookUps} workload
 * @returns {Promise<Figures>}
 */
export async function lookUps({ server, place, running, load }, { clients, records }) {
  /** @type {number[]} */
  const times = [];
  let figures = null;
  for (let n = 0; n < clients; n++) {
    const key = (n * STRIDE) % records;
    const crowd = { url: `${server.url(place)}?key=k${key}`, clients: 1, atOnce: false };
    figures = await load.call(
      'replay',
      { server: running.pid, crowd: { ...crowd, lastSeq: key } },
      REPLAY_MS,
    );
    times.push(figures.last);
  }
  return { ...figures, p50: percentile(times, 0.5), last: percentile(times, 0.99) };
}

/** Of a core, in percent. @param {{ userSeconds: number, systemSeconds: number, seconds: number }} window */
function shareOf({ userSeconds, systemSeconds, seconds }) {
  return ((userSeconds + systemSeconds) / seconds) * 100;
}
