import { describe, expect, it } from '@jest/globals';
import { table } from './table.mjs';
import { QUICK } from './workloads.mjs';

const [WORKLOAD] = QUICK;
const SERVERS = ['fast', 'slow'];

/** A run of a million deliveries. */
function run(userSeconds: number, busy = 0) {
  return { deliveries: 1e6, userSeconds, systemSeconds: 1, busyBefore: 0, busy };
}

/** The cells of the first row. */
function cells(...runs: ReturnType<typeof run>[][]): string[] {
  const results = runs.map((of, index) => ({
    workload: WORKLOAD!.name,
    server: SERVERS[index]!,
    runs: of,
  }));
  const row = table([WORKLOAD!], SERVERS, results, 'fast').split('\n')[2]!;
  return row
    .split('|')
    .slice(3, -1)
    .map((cell) => cell.trim());
}

describe('table()', () => {
  it('shows the median, user and system, and how many times the other it is', () => {
    expect(cells([run(2), run(2.1), run(2.2)], [run(9), run(9.1), run(9.2)])).toEqual([
      '3.1 (2.1+1.0) x1.00',
      '10.1 (9.1+1.0) x3.26',
    ]);
  });

  it('marks runs that lie far apart', () => {
    expect(cells([run(2)], [run(5), run(9)])[1]).toMatch(/^8\.0~ /);
  });

  it('leaves out runs while others had the machine, and marks what has no other', () => {
    expect(cells([run(2), run(50, 0.5)], [run(9, 0.5)])).toEqual([
      '3.0 (2.0+1.0) x1.00',
      '10.0! (9.0+1.0) x3.33',
    ]);
  });

  it('says where each run failed', () => {
    expect(cells([], [run(9)])).toEqual(['failed', '10.0 (9.0+1.0)']);
  });
});
