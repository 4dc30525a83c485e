import { describe, expect, it } from '@jest/globals';
import { growthTable, table } from './table.mjs';
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
      '3.10 (2.10+1.00) x1.00',
      '10.1 (9.10+1.00) x3.26',
    ]);
  });

  it('marks runs that lie far apart', () => {
    expect(cells([run(2)], [run(5), run(9)])[1]).toMatch(/^8\.00~ /);
  });

  it('leaves out runs while others had the machine, and marks what has no other', () => {
    expect(cells([run(2), run(50, 0.5)], [run(9, 0.5)])).toEqual([
      '3.00 (2.00+1.00) x1.00',
      '10.0! (9.00+1.00) x3.33',
    ]);
  });

  it('leaves a cell empty where there was no run', () => {
    expect(cells([], [run(9)])).toEqual(['', '10.0 (9.00+1.00)']);
  });

  it('marks figures that the load may have kept down', () => {
    const full = { ...run(2), loadShare: 0.95 };
    expect(cells([full])[0]).toMatch(/^3\.00\^ /);
  });
});

describe('growthTable()', () => {
  it('shows how many times as much a delivery costs, and leaves out what was not run', () => {
    const results = [
      { workload: 'ten', server: 'fast', runs: [run(1)] },
      { workload: 'hundred', server: 'fast', runs: [run(2)] },
    ];
    const growths = [
      { title: '10 x', from: 'ten', to: 'hundred' },
      { title: '100 x', from: 'ten', to: 'thousand' },
    ];
    expect(growthTable(growths, SERVERS, results).trimEnd().split('\n').slice(2)).toEqual([
      '| 10 x | hundred, against ten | CPU-s per M deliveries | x1.50 |  |',
    ]);
  });
});
