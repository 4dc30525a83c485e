/**
 * The load: clients of one server, in a process of their own. What they saw and what it cost the
 * server are read in the same moment.
 *
 * @module
 */

import { availableParallelism } from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { answer } from './child.mjs';
import { Crowd } from './crowd.mjs';
import { coresOfOthers, machineTime } from './machine.mjs';
import { treeUsage } from './process_tree.mjs';
import { percentile } from './statistics.mjs';

/** @typedef {import('./crowd.mjs').CrowdOptions} CrowdOptions */

/**
 * What one measured stretch of time was.
 *
 * @typedef {object} Window
 * @property {number} seconds
 * @property {number} deliveries
 * @property {number} bytes
 * @property {number} reads
 * @property {number} fewest deliveries of one client
 * @property {number} most
 * @property {number} latencyP50 milliseconds; NaN without samples
 * @property {number} latencyP99
 * @property {number} lost by the sampled clients
 * @property {number} repeated
 * @property {number} foreign records that came to clients of other keys
 * @property {number} slowestMs of all that were looked at
 * @property {number} closed clients
 * @property {number} userSeconds CPU of the server
 * @property {number} systemSeconds
 * @property {number} loadShare of its cores that the load used, with producer and Kafka
 * @property {number} rssKb of the server at the end
 * @property {number} busy cores that others took
 */

let crowd = new Crowd({ url: 'http://localhost', clients: 0, atOnce: false });

answer({
  /** @param {CrowdOptions} options */
  async connect(options) {
    crowd = new Crowd(options);
    await crowd.connect();
    const { firstBytes } = crowd;
    return { p50: percentile(firstBytes, 0.5), last: percentile(firstBytes, 1) };
  },

  /** @param {{ server: number, seconds: number }} options */
  watch: ({ server, seconds }) => measure(server, () => delay(seconds * 1000)),

  /** How many clients lack the last record of one of their keys. @param {number} records that were sent */
  lacking: (records) => crowd.lacking(records),

  /** Connects and waits until all have the last record. @param {{ server: number, crowd: CrowdOptions }} options */
  async replay({ server, crowd: options }) {
    const ids = options.returning === true ? crowd.ids : [];
    crowd.end();
    crowd = new Crowd(options, ids);
    const window = await measure(server, async () => {
      await crowd.connect();
      await crowd.complete();
    });
    const { doneAfter } = crowd;
    return { ...window, p50: percentile(doneAfter, 0.5), last: percentile(doneAfter, 1) };
  },
});

/**
 * @param {number} server
 * @param {() => Promise<unknown>} action
 * @returns {Promise<Window>}
 */
async function measure(server, action) {
  const before = look(server);
  crowd.latencies = [];
  crowd.slowest = 0;
  crowd.sampling = true;
  await action();
  crowd.sampling = false;
  const after = look(server);
  const counts = crowd.clients.map(({ deliveries }, i) => deliveries - (before.counts[i] ?? 0));
  return {
    seconds: after.at - before.at,
    deliveries: after.deliveries - before.deliveries,
    bytes: after.bytes - before.bytes,
    reads: after.reads - before.reads,
    fewest: counts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    most: counts.reduce((a, b) => Math.max(a, b), 0),
    latencyP50: percentile(crowd.latencies, 0.5) / 1000,
    latencyP99: percentile(crowd.latencies, 0.99) / 1000,
    lost: crowd.lost,
    repeated: crowd.repeated,
    foreign: crowd.foreign,
    slowestMs: crowd.slowest / 1000,
    closed: crowd.closed,
    userSeconds: after.usage.user - before.usage.user,
    systemSeconds: after.usage.system - before.usage.system,
    loadShare: (after.rest - before.rest) / (after.at - before.at) / availableParallelism(),
    rssKb: after.usage.rssKb,
    busy: coresOfOthers(before.machine, after.machine),
  };
}

/** @param {number} server */
function look(server) {
  const { deliveries, bytes, reads, clients } = crowd;
  const usage = treeUsage(server);
  // Its parent is the benchmark, which everything is below.
  const machine = machineTime(process.ppid);
  return {
    at: machine.at,
    usage,
    deliveries,
    bytes,
    reads,
    counts: clients.map((client) => client.deliveries),
    rest: machine.own - usage.user - usage.system,
    machine,
  };
}
