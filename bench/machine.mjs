import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchError } from './bench_error.mjs';
import { treeUsage } from './process_tree.mjs';

const TICKS = 100;
/** CPU that others take, in cores: above it a figure is not believed. */
export const BUSY_CORES = 0.1;
const LOOK_MS = 300;

/**
 * What the whole machine has done, in seconds of one core.
 *
 * @typedef {object} MachineTime
 * @property {number} at seconds
 * @property {number} own CPU of all that is the benchmark's, the server too
 * @property {number} others CPU of processes that are none of ours
 * @property {number} stolen what the host gave to other machines
 */

/**
 * The machine's time, less what the benchmark itself took.
 *
 * @param {number} ownRoot the process that everything of the benchmark is below
 * @returns {MachineTime}
 */
export function machineTime(ownRoot) {
  const [total = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  const seconds = total
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = seconds;
  const usage = treeUsage(ownRoot);
  const own = usage.user + usage.system;
  return {
    at: performance.now() / 1000,
    own,
    // Interrupts stand apart here, and in the time of the process that they came upon.
    others: user + nice + system + irq + softirq - own,
    stolen: steal,
  };
}

/**
 * How many cores others took between two times.
 *
 * @param {MachineTime} from
 * @param {MachineTime} to
 */
export function coresOfOthers(from, to) {
  const took = to.others - from.others + to.stolen - from.stolen;
  return Math.max(0, took / (to.at - from.at));
}

/**
 * Waits until others leave the machine alone, for so long at most.
 *
 * @param {number} patienceMs
 * @returns {Promise<{ busy: number, waitedMs: number }>} how many cores they took at last
 */
export async function untilQuiet(patienceMs) {
  const begun = performance.now();
  for (;;) {
    const from = machineTime(process.pid);
    await delay(LOOK_MS);
    const busy = coresOfOthers(from, machineTime(process.pid));
    const waitedMs = performance.now() - begun - LOOK_MS;
    if (busy <= BUSY_CORES || waitedMs > patienceMs) return { busy, waitedMs };
  }
}

/**
 * Looks whether this machine can be measured on, and leaves one core to the server.
 *
 * @param {number} clients open at once, at most
 * @returns {{ serverCore: string, description: string }}
 * @throws {BenchError}
 */
export function takeMachine(clients) {
  if (process.platform !== 'linux') {
    throw new BenchError('The benchmark reads /proc and pins processes: run it on Linux.');
  }
  const [serverCore, ...others] = coresOf(run('taskset', ['-cp', String(process.pid)]));
  if (serverCore === undefined || others.length === 0) {
    throw new BenchError('One core is the server’s and one the load’s: two are needed.');
  }
  const files = Number(
    /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1],
  );
  if (files < clients + 200) {
    throw new BenchError(
      `${clients} clients need as many open files, and ${files} are allowed: ` +
        `type \`ulimit -n ${clients + 1000}\` first (or raise the hard limit).`,
    );
  }
  // All that is started from here on stays on these, but for the servers.
  run('taskset', ['-acp', others.join(), String(process.pid)]);
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const cores = others.length + 1;
  return {
    serverCore: String(serverCore),
    description: `${cpu?.model.trim()}, ${cores} cores, ${memory} GiB, Linux ${kernel()}, Node ${process.versions.node}`,
  };
}

function kernel() {
  return readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim();
}

/** @param {string} said by taskset: `… list: 0-2,5` */
function coresOf(said) {
  const list = said.slice(said.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8' });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new BenchError(
      code === 'ENOENT' ? `${command} is needed: apt-get install util-linux` : message,
    );
  }
}
