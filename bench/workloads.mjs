/**
 * What is measured.
 *
 * @module
 */

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
 */

/**
 * Clients that connect in one moment, then wait.
 *
 * @typedef {object} Connects
 * @property {'connects'} kind
 * @property {string} name
 * @property {number} clients
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

/** @typedef {Live | Connects | Replay} Workload */

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
    ...rest,
  };
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
