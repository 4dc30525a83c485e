import { BUSY_CORES } from './machine.mjs';
import { median, spread } from './statistics.mjs';

/** @typedef {import('./run.mjs').Figures} Figures */

/**
 * All runs of one workload on one server.
 *
 * @typedef {object} Result
 * @property {string} workload
 * @property {string} server
 * @property {Figures[]} runs
 * @property {string} [error] why there is none
 */

/** Runs that lie further apart than this share of their median are marked. */
const NOISY = 0.2;

/**
 * One row: what is shown of a workload's runs.
 *
 * @typedef {object} Measure
 * @property {string} title
 * @property {(figures: Figures) => number} of
 * @property {number} digits
 * @property {boolean} [ratio] whether it is compared with one server's
 * @property {(runs: Figures[]) => string} [detail]
 */

/** @type {(figures: Figures) => number} */
const millions = ({ deliveries = 0 }) => deliveries / 1e6;
/** @type {(figures: Figures) => number} */
const cpuPerMillion = (figures) =>
  ((figures.userSeconds ?? 0) + (figures.systemSeconds ?? 0)) / millions(figures);

/** @type {Measure} */
const CPU = {
  title: 'CPU-s per M deliveries',
  of: cpuPerMillion,
  digits: 1,
  ratio: true,
  detail: (runs) => {
    const user = median(runs.map((figures) => (figures.userSeconds ?? 0) / millions(figures)));
    const system = median(runs.map((figures) => (figures.systemSeconds ?? 0) / millions(figures)));
    return ` (${user.toFixed(1)}+${system.toFixed(1)})`;
  },
};
/** @type {Measure} */
const LATENCY_P50 = {
  title: 'p50, ms',
  of: ({ latencyP50 = Number.NaN }) => latencyP50,
  digits: 1,
};
/** @type {Measure} */
const LATENCY_P99 = {
  title: 'p99, ms',
  of: ({ latencyP99 = Number.NaN }) => latencyP99,
  digits: 1,
};
/** @type {Measure} */
const THROUGHPUT = {
  title: 'thousand deliveries/s',
  of: (figures) => (millions(figures) * 1000) / (figures.seconds ?? Number.NaN),
  digits: 0,
};
/** @type {Measure} */
const A_CORE = {
  title: 'thousand deliveries per CPU-second',
  of: (figures) => 1000 / cpuPerMillion(figures),
  digits: 0,
};
/** @type {Measure} */
const CPU_PER_GB = {
  title: 'CPU-s per GB',
  of: (figures) => (cpuPerMillion(figures) * millions(figures)) / ((figures.bytes ?? 0) / 1e9),
  digits: 1,
};
/** @type {Measure} */
const FIRST_BYTES = {
  title: 'all have their first bytes, ms',
  of: ({ firstBytesMs = Number.NaN }) => firstBytesMs,
  digits: 0,
};
/** @type {Measure} */
const MEMORY = {
  title: 'resident kB per idle client',
  of: ({ kbPerClient = Number.NaN }) => kbPerClient,
  digits: 1,
};
/** @type {Measure} */
const FEED = {
  title: 'feed in memory, kB',
  of: ({ feedBytes = Number.NaN }) => feedBytes / 1024,
  digits: 0,
};
/** @type {Measure} */
const LAST_RECORD = {
  title: 'last client has the last record, ms',
  of: ({ last = Number.NaN }) => last,
  digits: 0,
};

/** What is shown of a workload. @param {import('./workloads.mjs').Workload} workload */
function measures(workload) {
  if (workload.kind === 'connects') return [FIRST_BYTES, MEMORY];
  if (workload.kind === 'replay') return [LAST_RECORD, CPU, FEED];
  if (workload.burst > 1) return [CPU, A_CORE, THROUGHPUT, LATENCY_P50];
  if (workload.name.startsWith('saturation')) return [CPU, THROUGHPUT, LATENCY_P50];
  if (workload.query !== '') return [CPU, CPU_PER_GB];
  return [CPU, LATENCY_P50, LATENCY_P99];
}

/**
 * The table, in Markdown.
 *
 * @param {readonly import('./workloads.mjs').Workload[]} workloads
 * @param {readonly string[]} servers
 * @param {readonly Result[]} results
 * @param {string} ratioTo name of the server that is 1
 */
export function table(workloads, servers, results, ratioTo) {
  const rows = [
    `| work | figure | ${servers.join(' | ')} |`,
    `|---|---|${servers.map(() => '---:').join('|')}|`,
  ];
  for (const workload of workloads) {
    const of = (/** @type {string} */ server) =>
      results.find((result) => result.workload === workload.name && result.server === server);
    if (!servers.some((server) => of(server))) continue;
    for (const measure of measures(workload)) {
      const unit = of(ratioTo)?.runs ?? [];
      const cells = servers.map((server) => cell(of(server), measure, unit));
      if (cells.every((text) => text === '' || text === 'failed')) continue;
      rows.push(`| ${workload.name} | ${measure.title} | ${cells.join(' | ')} |`);
    }
  }
  return rows.join('\n');
}

/**
 * @param {Result | undefined} result
 * @param {Measure} measure
 * @param {Figures[]} unit runs of the server that is 1
 */
function cell(result, { of, digits, ratio = false, detail }, unit) {
  if (result === undefined) return '';
  const quiet = quietRuns(result.runs);
  const runs = quiet.length > 0 ? quiet : result.runs;
  if (runs.length === 0) return 'failed';
  const numbers = runs.map(of);
  const middle = median(numbers);
  if (!Number.isFinite(middle)) return '';
  const marks = `${spread(numbers) > NOISY ? '~' : ''}${quiet.length === 0 ? '!' : ''}`;
  const one = median((quietRuns(unit).length > 0 ? quietRuns(unit) : unit).map(of));
  const times = ratio && Number.isFinite(one) ? ` x${(middle / one).toFixed(2)}` : '';
  return `${middle.toFixed(digits)}${marks}${detail?.(runs) ?? ''}${times}`;
}

/** @param {Figures[]} runs */
function quietRuns(runs) {
  return runs.filter(({ busy }) => busy <= BUSY_CORES);
}
