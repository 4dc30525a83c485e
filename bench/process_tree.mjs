import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second in /proc: 100 on every Linux of today. */
const TICKS = 100;
const PAGE_KB = 4;

/**
 * What a process and all below it have used.
 *
 * @typedef {object} Usage
 * @property {number} user CPU seconds
 * @property {number} system CPU seconds
 * @property {number} rssKb resident memory
 */

/**
 * One line of /proc/<pid>/stat. The name may hold spaces and brackets.
 *
 * @param {string} line
 */
export function parseStat(line) {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  /** @param {number} number as in proc(5), where the state is field 3 */
  const field = (number) => fields[number - 3] ?? 0;
  return {
    parent: field(4),
    // Children that have ended count on in the parent that waited for them.
    user: (field(14) + field(16)) / TICKS,
    system: (field(15) + field(17)) / TICKS,
    rssKb: field(24) * PAGE_KB,
  };
}

/**
 * What a process and all below it have used so far.
 *
 * @param {number} root
 * @param {Map<number, ReturnType<typeof parseStat>>} [processes]
 * @returns {Usage}
 */
export function treeUsage(root, processes = allProcesses()) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const [pid, { parent }] of processes) {
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const sum = { user: 0, system: 0, rssKb: 0 };
  const left = [root];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    const own = processes.get(pid);
    if (own === undefined) continue;
    sum.user += own.user;
    sum.system += own.system;
    sum.rssKb += own.rssKb;
    left.push(...(children.get(pid) ?? []));
  }
  return sum;
}

/** @returns {Map<number, ReturnType<typeof parseStat>>} */
export function allProcesses() {
  const found = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.set(Number(name), parseStat(readFileSync(`/proc/${name}/stat`, 'latin1')));
    } catch {
      // It has ended since.
    }
  }
  return found;
}
