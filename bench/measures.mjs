/**
 * What is shown of the runs: the rows of the table.
 *
 * @module
 */

/** @typedef {import('./place.mjs').Figures} Figures */
/** @typedef {(figures: Figures) => number} Measured */

/**
 * One row of a workload.
 *
 * @typedef {object} Measure
 * @property {string} title
 * @property {Measured} of
 * @property {boolean} [ratio] whether one server's is 1
 * @property {readonly [Measured, Measured]} [parts] what it is the sum of
 */

/** @type {Measured} */
const millions = ({ deliveries = 0 }) => deliveries / 1e6;
/** @type {Measured} */
const cpuSeconds = ({ userSeconds = 0, systemSeconds = 0 }) => userSeconds + systemSeconds;

/** @type {Measure} */
export const CPU = {
  title: 'CPU-s per M deliveries',
  of: (figures) => cpuSeconds(figures) / millions(figures),
  ratio: true,
  parts: [
    (figures) => (figures.userSeconds ?? 0) / millions(figures),
    (figures) => (figures.systemSeconds ?? 0) / millions(figures),
  ],
};

/** @type {Measure} */
export const CPU_PER_BYTE = {
  title: 'CPU-s per GB',
  of: (figures) => cpuSeconds(figures) / ((figures.bytes ?? 0) / 1e9),
};

/** @type {Measure} */
const A_CORE = {
  title: 'thousand deliveries per CPU-second',
  of: (figures) => (millions(figures) * 1000) / cpuSeconds(figures),
};

/** @type {Measure} */
const THROUGHPUT = {
  title: 'thousand deliveries/s',
  of: (figures) => (millions(figures) * 1000) / (figures.seconds ?? Number.NaN),
};

/** @type {Measure} */
const LATENCY_P50 = {
  title: 'p50, ms',
  of: ({ latencyP50 = Number.NaN }) => latencyP50,
  ratio: true,
};

/** @type {Measure} */
const BYTES = {
  title: 'bytes a delivery',
  of: ({ bytes = Number.NaN, deliveries = 0 }) => bytes / deliveries,
  ratio: true,
};

/** @type {Measure} */
const LATENCY_P99 = {
  title: 'p99, ms',
  of: ({ latencyP99 = Number.NaN }) => latencyP99,
  ratio: true,
};

/** @type {Measure} */
const FIRST_BYTES = {
  title: 'all have their first bytes, ms',
  of: ({ firstBytesMs = Number.NaN }) => firstBytesMs,
  ratio: true,
};

/** @type {Measure} */
const MEMORY = {
  title: 'resident kB per idle client',
  of: ({ kbPerClient = Number.NaN }) => kbPerClient,
};

/** @type {Measure} */
const LAST_RECORD = {
  title: 'all have the last record, ms',
  of: ({ last = Number.NaN }) => last,
};

/** @type {Measure} */
const RESIDENT = { title: 'resident MB', of: ({ rssKb = Number.NaN }) => rssKb / 1024 };

/** @type {Measure} */
const FEED = {
  title: 'of it the feed, MB',
  of: ({ feedBytes = Number.NaN }) => feedBytes / 2 ** 20,
};

/** @type {Measure} */
const SHARE = { title: '% of a core', of: ({ share = Number.NaN }) => share };

/** @type {Measure} */
const CORE = {
  title: '% of a core',
  of: (figures) => (cpuSeconds(figures) / (figures.seconds ?? Number.NaN)) * 100,
};

/** @type {Measure} */
const ALL_BACK = { title: 'all have what they missed, ms', of: ({ last = Number.NaN }) => last };

/** @type {Measure} */
const READ_BACK = {
  title: 'records read back, times what was missed',
  of: ({ readBack = Number.NaN }) => readBack,
};

/** @type {Measure} */
const CPU_SECONDS = { title: 'CPU-s', of: cpuSeconds };

/** @type {Measure} */
const STREAMS = { title: 'streams that were let in', of: ({ streams = Number.NaN }) => streams };

/** @type {Measure} */
const SLOWEST = { title: 'slowest, ms', of: ({ slowestMs = Number.NaN }) => slowestMs };

/** @type {Measure} */
const KEPT_BYTES = {
  title: '% of the bytes of all records',
  of: ({ keptBytes = Number.NaN }) => keptBytes * 100,
};

/** @type {Measure} */
const FIRST_RECORD = { title: 'p50 of the first record, ms', of: ({ p50 = Number.NaN }) => p50 };

/** @type {Measure} */
const FIRST_RECORD_P99 = {
  title: 'p99 of the first record, ms',
  of: ({ last = Number.NaN }) => last,
};

/**
 * What is shown of a workload.
 *
 * @param {import('./workloads.mjs').Workload} workload
 * @returns {Measure[]}
 */
export function measuresOf(workload) {
  if (workload.kind === 'connects') return [FIRST_BYTES, MEMORY];
  if (workload.kind === 'replay') {
    // The CPU of a short replay is a few ticks of the kernel's clock.
    const long = workload.clients > 1 || workload.keys === null;
    return long ? [LAST_RECORD, CPU, RESIDENT, FEED] : [LAST_RECORD, RESIDENT, FEED];
  }
  if (workload.kind === 'returns') return [ALL_BACK, READ_BACK, CPU_SECONDS, RESIDENT];
  if (workload.kind === 'attack') return [LATENCY_P50, LATENCY_P99, SHARE, STREAMS, RESIDENT];
  if (workload.kind === 'paced') return [KEPT_BYTES, SHARE, SLOWEST];
  if (workload.kind === 'lookUps') return [FIRST_RECORD, FIRST_RECORD_P99];
  if (workload.keys !== null) return [CPU, CORE, LATENCY_P50, LATENCY_P99, RESIDENT];
  if (workload.burst > 1) return [CPU, A_CORE, THROUGHPUT, LATENCY_P50];
  if (workload.overload) return [CPU, THROUGHPUT, LATENCY_P50];
  if (workload.json) return [BYTES, CPU, LATENCY_P50];
  if (workload.onlyOurs) return [CPU];
  return [CPU, LATENCY_P50, LATENCY_P99];
}
