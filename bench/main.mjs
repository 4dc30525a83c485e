/**
 * `npm run bench`: what a delivery costs, beside other servers, on this machine.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench_error.mjs';
import { Child } from './child.mjs';
import { BenchKafka } from './kafka.mjs';
import { takeMachine } from './machine.mjs';
import { parseOptions } from './options.mjs';
import { report } from './report.mjs';
import { run } from './run.mjs';
import { knownServers, peerServer } from './servers.mjs';

import { ALL, CURVE, QUICK, VIEWS } from './workloads.mjs';

/** @typedef {import('./servers.mjs').Server} Server */
/** @typedef {import('./workloads.mjs').Workload} Workload */
/** @typedef {import('./table.mjs').Result} Result */

const CLONE = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} line */
function say(line) {
  process.stderr.write(`bench: ${line}\n`);
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  const { quick, curve, only } = options;
  const listed = curve ? CURVE : quick ? QUICK : ALL;
  const workloads = choose(listed, only, listed === ALL ? [...ALL, ...VIEWS] : listed);
  const known = knownServers(options.beside);
  const servers = choose([...known, ...options.peers.map(peerServer)], only);
  const { serverCore, description } = takeMachine(
    Math.max(...workloads.map((one) => ('streams' in one && one.streams > 0 ? 0 : one.clients))),
  );

  const folder = await mkdtemp(join(tmpdir(), 'sse-kafka-bench-'));
  const guard = spawn(process.execPath, [join(CLONE, 'bench', 'guard.mjs'), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  process.env['BENCH_FOLDER'] = folder;
  try {
    const kafka = await BenchKafka.start(join(folder, 'kafka'));
    const bench = {
      kafka,
      producer: new Child('producer.mjs'),
      folder,
      serverCore,
      warmSeconds: quick ? 1 : 1.5,
      measureSeconds: quick ? 2 : 3,
      patienceMs: quick ? 5000 : 60_000,
    };
    const results = await runAll(bench, servers, workloads, options.rounds);
    const file = await keep({ machine: description, options, results });
    process.stdout.write(report({ description, options, servers, workloads, results, file }));
  } finally {
    const cleaned = new Promise((done) => guard.on('exit', done));
    guard.stdin?.end();
    await cleaned;
  }
}

/**
 * Those with one of the words in their name; all where no word is in any.
 *
 * @template {{ name: string }} T
 * @param {T[]} all
 * @param {string[]} words
 * @param {T[]} known what else can be named
 */
function choose(all, words, known = all) {
  const found = known.filter(({ name }) => words.some((word) => name.includes(word)));
  return found.length > 0 ? found : all;
}

/**
 * Round by round, and in each the servers side by side, so that what drifts meets all alike.
 *
 * @param {import('./place.mjs').Bench} bench
 * @param {Server[]} servers
 * @param {Workload[]} workloads
 * @param {number} rounds
 */
async function runAll(bench, servers, workloads, rounds) {
  const here = servers.filter(({ missing }) => missing === null);
  const wanted = workloads.flatMap((workload) =>
    here.filter((server) => takes(server, workload)).map((server) => ({ server, workload })),
  );
  /** @type {Result[]} */
  const results = wanted.map(({ server, workload }) => ({
    workload: workload.name,
    server: server.name,
    runs: [],
  }));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { server, workload }] of wanted.entries()) {
      const result = /** @type {Result} */ (results[index]);
      say(`round ${round} of ${rounds}: ${workload.name}, ${server.name}`);
      const begun = performance.now();
      try {
        result.runs.push(await run(bench, server, workload));
      } catch (error) {
        result.error = /** @type {Error} */ (error).message;
        say(`  failed: ${result.error}`);
      }
      say(`  took ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    }
  }
  return results;
}

/**
 * @param {Server} server
 * @param {Workload} workload
 */
function takes(server, workload) {
  if (workload.kind === 'replay') return server.history;
  if (workload.kind === 'connects') return server.ours || workload.keyed !== true;
  return server.ours || (workload.kind === 'live' && !workload.onlyOurs);
}

/**
 * @param {object} raw
 * @returns {Promise<string>} where
 */
async function keep(raw) {
  const folder = join(CLONE, '.data', 'bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
  await writeFile(file, `${JSON.stringify(raw, null, 1)}\n`);
  return file;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const { message, stack } = /** @type {Error} */ (error);
  say(error instanceof BenchError ? message : (stack ?? message));
  process.exit(1);
}
