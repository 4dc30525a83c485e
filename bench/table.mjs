import { BUSY_CORES } from './machine.mjs';
import { CPU, CPU_PER_BYTE, measuresOf } from './measures.mjs';
import { median, spread } from './statistics.mjs';

/** @typedef {import('./place.mjs').Figures} Figures */
/** @typedef {import('./measures.mjs').Measure} Measure */

/**
 * All runs of one workload on one server.
 *
 * @typedef {object} Result
 * @property {string} workload
 * @property {string} server
 * @property {Figures[]} runs
 * @property {string} [error] why the last one failed
 */

/** Runs that lie further apart than this share of their median are marked. */
const NOISY = 0.2;
/** The share of its cores from which on the load may have been what was slow. */
const LOAD_FULL = 0.9;

/**
 * Each workload on each server, in Markdown.
 *
 * @param {readonly import('./workloads.mjs').Workload[]} workloads
 * @param {readonly string[]} servers
 * @param {readonly Result[]} results
 * @param {string} ratioTo the server that is 1
 */
export function table(workloads, servers, results, ratioTo) {
  const rows = workloads.flatMap((workload) =>
    measuresOf(workload).map((measure) => {
      const runsOf = finder(results, workload.name);
      const cells = servers.map((server) => cell(runsOf(server), measure, runsOf(ratioTo)));
      return { title: `${workload.name} | ${measure.title}`, cells };
    }),
  );
  return markdown(['work', 'figure', ...servers], rows);
}

/**
 * How the cost grows: one workload's CPU as a multiple of another's, in Markdown.
 *
 * @param {readonly import('./workloads.mjs').Growth[]} growths
 * @param {readonly string[]} servers
 * @param {readonly Result[]} results
 */
export function growthTable(growths, servers, results) {
  const rows = growths.map(({ title, from, to, perByte }) => {
    const measure = perByte ? CPU_PER_BYTE : CPU;
    const cells = servers.map((server) => {
      const [before, after] = [from, to].map((name) =>
        middle(finder(results, name)(server), measure),
      );
      const times = (after ?? Number.NaN) / (before ?? Number.NaN);
      return Number.isFinite(times) ? `x${times.toFixed(2)}` : '';
    });
    return { title: `${title} | ${to}, against ${from} | ${measure.title}`, cells };
  });
  return markdown(['growth', 'of', 'figure', ...servers], rows);
}

/**
 * @param {string[]} head
 * @param {{ title: string, cells: string[] }[]} rows those without a figure are left out
 */
function markdown(head, rows) {
  const shown = rows.filter(({ cells }) => cells.some((text) => text !== ''));
  if (shown.length === 0) return '';
  const lines = shown.map(({ title, cells }) => `| ${title} | ${cells.join(' | ')} |`);
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...lines, ''].join(
    '\n',
  );
}

/**
 * @param {readonly Result[]} results
 * @param {string} workload
 * @returns {(server: string) => Figures[]} the runs that count
 */
function finder(results, workload) {
  return (server) => {
    const found = results.find((one) => one.workload === workload && one.server === server);
    const runs = found?.runs ?? [];
    const quiet = runs.filter(({ busy }) => busy <= BUSY_CORES);
    return quiet.length > 0 ? quiet : runs;
  };
}

/**
 * @param {Figures[]} runs
 * @param {Measure} measure
 */
function middle(runs, { of }) {
  return median(runs.map(of));
}

/**
 * @param {Figures[]} runs
 * @param {Measure} measure
 * @param {Figures[]} unit runs of the server that is 1
 */
function cell(runs, measure, unit) {
  const figure = middle(runs, measure);
  if (!Number.isFinite(figure)) return '';
  const { of, ratio = false, parts = [] } = measure;
  const sum = parts.map((part) => format(median(runs.map(part)))).join('+');
  const one = middle(unit, measure);
  const times = ratio && Number.isFinite(one) ? ` x${(figure / one).toFixed(2)}` : '';
  return `${format(figure)}${marks(runs, of)}${sum && ` (${sum})`}${times}`;
}

/**
 * @param {Figures[]} runs
 * @param {(figures: Figures) => number} of
 */
function marks(runs, of) {
  const noisy = spread(runs.map(of)) > NOISY ? '~' : '';
  const busy = runs.every((figures) => figures.busy > BUSY_CORES) ? '!' : '';
  const full = runs.some(({ loadShare = 0 }) => loadShare > LOAD_FULL);
  return `${noisy}${busy}${full ? '^' : ''}`;
}

/** Three digits that count. @param {number} figure */
function format(figure) {
  return figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0);
}
