/**
 * What is measured.
 *
 * @module
 */

import { VALUE_BYTES } from './stamp.mjs';

/**
 * Clients that wait for what comes, at a pace.
 *
 * @typedef {object} Live
 * @property {'live'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} rate records a second
 * @property {number} burst of them at once
 * @property {number} topics in one stream
 * @property {number} partitions of each
 * @property {string} query behind the stream's path
 * @property {boolean} overload more than any server can take one by one
 * @property {boolean} onlyOurs no other server has it
 * @property {boolean} json whether the values are orders, as people have them
 * @property {boolean} gzip whether clients ask for it
 * @property {number | null} keys of the records; each client asks for one of them, so that every record is for somebody
 * @property {boolean} spread whether each client has one of the topics, in turn
 * @property {number} streams of each connection of HTTP/2, over TLS; 0: clients come by HTTP/1.1
 * @property {number} valueBytes
 * @property {number | null} seconds measured; null: as many as usual
 * @property {Record<string, string>} settings of the gateway
 */

/**
 * Clients that connect in one moment, then wait.
 *
 * @typedef {object} Connects
 * @property {'connects'} kind
 * @property {string} name
 * @property {number} clients
 * @property {boolean} [keyed] whether each asks for a key of its own
 */

/**
 * Clients that get what is there already.
 *
 * @typedef {object} Replay
 * @property {'replay'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} records
 * @property {number | null} keys of a compacted topic
 */

/**
 * Clients that each ask for a key of their own, of a gateway that is killed: they go on at another one, with
 * what was written meanwhile, most of it no longer in its memory.
 *
 * @typedef {object} Returns
 * @property {'returns'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} records that they have missed
 * @property {Record<string, string>} settings of the gateways
 */

/**
 * Strangers that each come with another filter, most of which find nothing, beside a few plain clients.
 *
 * @typedef {object} Attack
 * @property {'attack'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} probes
 * @property {number} records that are there already
 * @property {number} rate
 * @property {Record<string, string>} settings
 */

/**
 * Clients of a compacted topic that take what is new at beats.
 *
 * @typedef {object} Paced
 * @property {'paced'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} keys
 * @property {number} rate
 * @property {number} every milliseconds
 * @property {Record<string, string>} settings
 */

/**
 * New clients that ask for a key of a compacted topic of which next to nothing is in memory, one after the other.
 *
 * @typedef {object} LookUps
 * @property {'lookUps'} kind
 * @property {string} name
 * @property {number} clients
 * @property {number} records each of a key of its own
 * @property {Record<string, string>} settings
 */

/** @typedef {Live | Connects | Replay | Returns | Attack | Paced | LookUps} Workload */

/** Of a prime distance, so that keys which follow each other are of clients far apart. */
export const STRIDE = 7919;

/**
 * @param {string} name
 * @param {Partial<Live>} rest
 * @returns {Live}
 */
function live(name, rest) {
  return {
    kind: 'live',
    name,
    clients: 1000,
    rate: 40,
    burst: 1,
    topics: 1,
    partitions: 1,
    query: '',
    overload: false,
    onlyOurs: false,
    json: false,
    gzip: false,
    keys: null,
    spread: false,
    streams: 0,
    valueBytes: VALUE_BYTES,
    seconds: null,
    settings: {},
    ...rest,
  };
}

/**
 * Each client has a key of its own.
 *
 * @param {number} clients
 * @param {Partial<Live>} [rest]
 */
function keyed(clients, rest) {
  const name = `${clients.toLocaleString('en')} keyed clients${rest?.streams ? ' by HTTP/2' : ''}`;
  const many = { onlyOurs: true, rate: 1000, seconds: 8, settings: MANY };
  return live(name, { ...many, clients, keys: clients, ...rest });
}

/**
 * @param {string} who
 * @param {number} clients
 * @returns {Paced}
 */
function atBeats(who, clients) {
  const name = `${who} at beats`;
  const load = { clients, keys: 400, rate: 10_000, every: 1000 };
  return { kind: 'paced', name, ...load, settings: MANY };
}

/**
 * @param {string} name
 * @param {number} clients
 * @param {number} records
 * @param {number | null} keys
 * @returns {Replay}
 */
function replay(name, clients, records, keys) {
  return { kind: 'replay', name, clients, records, keys };
}

/**
 * So that a delivery is measured, and not that idle clients are told their place: with ten thousand of them that is as
 * much again.
 */
const MANY = { MAX_CONNECTIONS: '0', HEARTBEAT_SECONDS: '300' };
/** Most of what is wanted is to be read back. */
const LITTLE_MEMORY = { FEED_MEMORY_MB: '1' };
const ONE_AT_A_TIME = live('one at a time, 40/s', {});
const SATURATION = live('saturation, one at a time', { rate: 1000, overload: true });
const REPLAY_BY_ONE = replay('replay by 1', 1, 50_000, 10_000);

/**
 * Two workloads of which one is more, or other, than the other: what a delivery costs in both
 * should be the same.
 *
 * @typedef {object} Growth
 * @property {string} title
 * @property {string} from
 * @property {string} to
 * @property {boolean} [perByte] compares the cost of a byte, not of a delivery
 */

/** @type {Growth[]} */
export const GROWTH = [
  { title: '10 x clients', from: '500 clients, 80/s', to: '5,000 clients, 8/s' },
  { title: '10 x partitions', from: 'one at a time, 40/s', to: '10 partitions, 40/s' },
  { title: '10 x partitions', from: '10 partitions, 40/s', to: '100 partitions, 40/s' },
  { title: '10 x history', from: 'catch-up of 100,000', to: 'catch-up of 1,000,000' },
  { title: 'JSON', from: 'one at a time, 40/s', to: 'format=json, 40/s' },
  { title: 'gzip', from: 'JSON, 40/s', to: 'JSON in gzip, 40/s' },
  {
    title: 'gzip',
    from: 'JSON, 200 partitions, 40/s',
    to: 'JSON in gzip, 200 partitions, 40/s',
  },
  { title: 'JSON', from: 'one at a time, 40/s', to: 'format=json, 40/s', perByte: true },
  { title: '5 x topics', from: '30 partitions, 40/s', to: '5 topics of 6, 40/s' },
  { title: '5 x topics', from: '30 partitions, 1,000/s', to: '5 topics of 6, 1,000/s' },
  { title: 'keys', from: '10 clients of ten topics', to: '1,000 keyed clients' },
  { title: '10 x keyed clients', from: '1,000 keyed clients', to: '10,000 keyed clients' },
  {
    title: '50 x keyed clients',
    from: '1,000 keyed clients by HTTP/2',
    to: '50,000 keyed clients by HTTP/2',
  },
];

/** Of `npm run bench`. @type {Workload[]} */
export const ALL = [
  ONE_AT_A_TIME,
  SATURATION,
  live('saturation, ten at once', { rate: 1000, burst: 10, overload: true }),
  live('one at a time, 10/s', { rate: 10 }),
  live('one at a time, 100/s', { rate: 100 }),
  live('format=json, 40/s', { query: '?format=json', onlyOurs: true }),
  live('10 partitions, 40/s', { partitions: 10, onlyOurs: true }),
  live('100 partitions, 40/s', { partitions: 100, onlyOurs: true }),
  live('JSON, 40/s', { json: true }),
  live('JSON in gzip, 40/s', { json: true, gzip: true }),
  live('JSON, 200 partitions, 40/s', { json: true, partitions: 200, onlyOurs: true }),
  live('JSON in gzip, 200 partitions, 40/s', {
    json: true,
    gzip: true,
    partitions: 200,
    onlyOurs: true,
  }),
  live('30 partitions, 40/s', { partitions: 30, query: '?format=json', onlyOurs: true }),
  live('5 topics of 6, 40/s', { topics: 5, partitions: 6, query: '?format=json', onlyOurs: true }),
  live('30 partitions, 1,000/s', {
    ...{ partitions: 30, rate: 1000 },
    ...{ query: '?format=json', onlyOurs: true, overload: true },
  }),
  live('5 topics of 6, 1,000/s', {
    ...{ topics: 5, partitions: 6, rate: 1000 },
    ...{ query: '?format=json', onlyOurs: true, overload: true },
  }),
  live('500 clients, 80/s', { clients: 500, rate: 80, onlyOurs: true }),
  live('5,000 clients, 8/s', { clients: 5000, rate: 8, onlyOurs: true }),
  { kind: 'connects', name: '5,000 connects at once', clients: 5000 },
  REPLAY_BY_ONE,
  replay('replay by 100', 100, 50_000, 10_000),
  replay('catch-up of 100,000', 1, 100_000, null),
  replay('catch-up of 1,000,000', 1, 1_000_000, null),
];

/** All that a process opens here, and more than that where they share connections: each gets every record. */
const FULL = { rate: 1, seconds: 20, onlyOurs: true, settings: MANY };

/** Of `npm run bench` where they are named: a full gateway, and clients with views of their own. @type {Workload[]} */
export const VIEWS = [
  live('15,000 connections', { ...FULL, clients: 15_000 }),
  live('50,000 streams by HTTP/2', { ...FULL, clients: 50_000, streams: 250 }),
  { kind: 'connects', name: '5,000 connects at once, keyed', clients: 5000, keyed: true },
  live('10 clients of ten topics', {
    ...{ clients: 10, topics: 10, spread: true, rate: 1000, seconds: 8 },
    ...{ onlyOurs: true, settings: MANY },
  }),
  keyed(1000),
  keyed(10_000),
  // On as many connections: with a few a write carries records of many clients.
  keyed(1000, { streams: 5 }),
  keyed(50_000, { streams: 250 }),
  ...[6000, 10_000, 14_000, 19_000].map((clients) =>
    live(`keyed, as Lightstreamer, ${clients.toLocaleString('en')}`, {
      ...{ clients, keys: 40, rate: 100, valueBytes: 1024, seconds: 8 },
      ...{ onlyOurs: true, settings: MANY },
    }),
  ),
  {
    ...{ kind: 'returns', name: '10,000 keyed clients, killed' },
    ...{ clients: 10_000, records: 30_000, settings: { ...MANY, ...LITTLE_MEMORY } },
  },
  {
    ...{ kind: 'attack', name: '10,000 strangers with filters' },
    ...{ clients: 10_000, probes: 20, records: 50_000, rate: 100, settings: MANY },
  },
  atBeats('1,000 clients', 1000),
  // What the reading alone takes.
  atBeats('one client', 1),
  {
    ...{ kind: 'lookUps', name: 'a key below memory' },
    ...{ clients: 100, records: 300_000, settings: LITTLE_MEMORY },
  },
];

/** Of `npm run bench -- --quick`. @type {Workload[]} */
export const QUICK = [
  ONE_AT_A_TIME,
  SATURATION,
  { kind: 'connects', name: '1,000 connects at once', clients: 1000 },
  REPLAY_BY_ONE,
];

/** Of `npm run bench -- --curve`. @type {Workload[]} */
export const CURVE = [
  ...[10, 20, 40, 80, 160].map((rate) => live(`one at a time, ${rate}/s`, { rate })),
  live('100 clients, 100/s', { clients: 100, rate: 100 }),
];
