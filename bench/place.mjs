import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { loadBuilt } from './built.mjs';

/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {import('./child.mjs').Child} Child */
/** @typedef {import('./running_server.mjs').RunningServer} RunningServer */

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
 *   feedBytes?: number, p50?: number, last?: number, readBack?: number, share?: number,
 *   streams?: number, keptBytes?: number,
 * }} Figures
 */

/**
 * One server that runs, and a load for it.
 *
 * @typedef {object} Started
 * @property {Bench} bench
 * @property {Server} server
 * @property {Place} place
 * @property {RunningServer} running
 * @property {Child} load
 */

export const CONNECT_MS = 60_000;
export const REPLAY_MS = 120_000;

/**
 * @param {Bench} bench
 * @param {string} topic
 * @param {number} partitions
 * @param {boolean} [http2]
 * @returns {Promise<Place>}
 */
export async function newPlace(bench, topic, partitions = 1, http2 = false) {
  const { freePort } = await loadBuilt('runtime/embedded_kafka/ports.js');
  return {
    brokers: bench.kafka.brokers,
    topic,
    partitions,
    port: await freePort(),
    httpsPort: http2 ? await freePort() : 0,
    adminPort: await freePort(),
    folder: await mkdtemp(join(bench.folder, 'server-')),
  };
}

/** The paths of clients that have a key each. @param {string} topic @param {number} keys @param {string} [more] */
export function pathsOf(topic, keys, more = '') {
  return Array.from({ length: keys }, (_, n) => `/${topic}?key=k${n}${more}`);
}

/**
 * The sum of a metric over its labels.
 *
 * @param {Place} place
 * @param {string} name
 */
export async function metric({ adminPort }, name) {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const lines = (await response.text()).matchAll(new RegExp(`^${name}(?:{\\S*})? (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}
