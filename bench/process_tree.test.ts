import { describe, expect, it } from '@jest/globals';
import { allProcesses, parseStat, treeUsage } from './process_tree.mjs';

/** As proc(5) has it, the name with everything that may stand in one. */
function statLine(pid: number, parent: number, user: number, system: number): string {
  const before = `${pid} (a (b) 7 c) S ${parent} 1 1 0 -1 4194304 10 20 30 40`;
  return `${before} ${user} ${system} 5 6 20 0 11 0 12345 987654321 250 18446744073709551615 1`;
}

describe('parseStat()', () => {
  it('takes parent, CPU with that of ended children, and memory', () => {
    expect(parseStat(statLine(7, 3, 150, 50))).toEqual({
      parent: 3,
      user: 1.55,
      system: 0.56,
      rssKb: 1000,
    });
  });
});

describe('treeUsage()', () => {
  const processes = new Map(
    [statLine(1, 0, 100, 0), statLine(2, 1, 200, 0), statLine(3, 2, 400, 0), statLine(4, 1, 0, 0)]
      .map(parseStat)
      .map((stat, index) => [index + 1, stat]),
  );

  it('sums a process and all below it', () => {
    expect(treeUsage(2, processes).user).toBeCloseTo(6.1);
    expect(treeUsage(1, processes).rssKb).toBe(4000);
  });

  it('is nothing for a process that has ended', () => {
    expect(treeUsage(99, processes)).toEqual({ user: 0, system: 0, rssKb: 0 });
  });

  it('finds this process on a machine with /proc', () => {
    if (process.platform !== 'linux') return;
    expect(allProcesses().get(process.pid)?.parent).toBe(process.ppid);
    expect(treeUsage(process.pid).rssKb).toBeGreaterThan(1000);
  });
});
