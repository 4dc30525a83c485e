import { BUSY_CORES } from './machine.mjs';
import { growthTable, table } from './table.mjs';
import { GROWTH } from './workloads.mjs';

/**
 * What is printed at the end: the tables, and what has to be known to read them.
 *
 * @param {object} all
 * @param {string} all.description of the machine
 * @param {import('./options.mjs').Options} all.options
 * @param {import('./servers.mjs').Server[]} all.servers
 * @param {import('./workloads.mjs').Workload[]} all.workloads
 * @param {import('./table.mjs').Result[]} all.results
 * @param {string} all.file where the raw figures are
 */
export function report({ description, options, servers, workloads, results, file }) {
  const { ratioTo, rounds } = options;
  const there = servers.filter(({ missing }) => missing === null).map(({ name }) => name);
  const lines = [
    ...[table(workloads, there, results, ratioTo), growthTable(GROWTH, there, results)].filter(
      Boolean,
    ),
    `${description}.`,
    `Server on one core, load and Kafka on the others; medians of ${rounds} interleaved runs each.`,
    'CPU: all processes of the server, (user+system). ' +
      `x: times ${ratioTo}. Records have values of 200 bytes. docs/benchmark.md says more.`,
    '~: the runs lie more than 20 % apart. ^: load and Kafka were near the limit of their own cores.',
    `!: other processes had more than ${BUSY_CORES} cores in every run.`,
    busyLine(results.flatMap(({ runs }) => runs)),
    ...servers.flatMap(({ name, missing }) => (missing === null ? [] : [`${name}: ${missing}.`])),
    ...results.flatMap(({ workload, server, error }) =>
      error === undefined ? [] : [`Failed: ${workload}, ${server}: ${error.split('\n', 1)[0]}`],
    ),
    ...lossLines(results),
    `Raw figures: ${file}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @param {import('./place.mjs').Figures[]} runs */
function busyLine(runs) {
  const busy = runs.filter((figures) => figures.busy > BUSY_CORES).length;
  return busy === 0
    ? `The machine was quiet in all ${runs.length} runs.`
    : `**The machine was busy with something else in ${busy} of ${runs.length} runs**: ` +
        'run it again when it is quiet.';
}

/** A server that loses records, or sends them twice, is cheap for the wrong reason. @param {import('./table.mjs').Result[]} results */
function lossLines(results) {
  return results.flatMap(({ workload, server, runs }) => {
    const lost = runs.reduce((sum, run) => sum + (run.lost ?? 0), 0);
    const repeated = runs.reduce((sum, run) => sum + (run.repeated ?? 0), 0);
    const closed = runs.reduce((sum, run) => sum + (run.closed ?? 0), 0);
    const foreign = runs.reduce((sum, run) => sum + (run.foreign ?? 0), 0);
    if (lost + repeated + closed + foreign === 0) return [];
    const what = `${lost} lost, ${repeated} twice, ${foreign} that others asked for`;
    return [`${workload}, ${server}: ${what}, ${closed} clients cut.`];
  });
}
