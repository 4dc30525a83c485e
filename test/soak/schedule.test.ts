import { describe, expect, test } from '@jest/globals';
import { FAULT_KINDS, planFaults } from './schedule.ts';

describe('planFaults()', () => {
  test('plans the same for the same seed, and something else for another one', () => {
    expect(planFaults(7, 600)).toEqual(planFaults(7, 600));
    expect(planFaults(8, 600)).not.toEqual(planFaults(7, 600));
  });

  test.each([30, 60, 1800])('has every kind in %d s, before any comes twice', (seconds) => {
    for (let seed = 1; seed <= 50; seed++) {
      const kinds = planFaults(seed, seconds).map(({ kind }) => kind);
      expect(new Set(kinds.slice(0, FAULT_KINDS.length))).toEqual(new Set(FAULT_KINDS));
    }
  });

  test('strikes every few seconds, in the order of time and not after the end', () => {
    const faults = planFaults(3, 1800);
    expect(faults.length).toBeGreaterThan(1800 / 13);
    for (const [number, { at }] of faults.slice(1).entries()) {
      const pause = at - faults[number]!.at;
      expect(pause).toBeGreaterThanOrEqual(3);
    }
    expect(faults.at(-1)!.at).toBeLessThanOrEqual(1800);
  });

  test('adds few partitions, however long it lasts', () => {
    const added = planFaults(5, 36_000).filter(({ kind }) => kind === 'partition added');
    expect(added).toHaveLength(4);
  });
});
