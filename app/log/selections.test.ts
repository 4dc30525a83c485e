import { expect, test } from '@jest/globals';
import { Filter } from '../views/filter.ts';
import { RecordFacts } from '../views/record_facts.ts';
import type { GuardUse } from './guards.ts';
import { Selections } from './selections.ts';

const NONE = new Filter([], [{ name: 'none', looksAt: new Set(['value']), outcome: () => 'skip' }]);

test('Selections.addLeaves() wakes those whose guard the key went out of or came into, where the record before has left memory', () => {
  const shape = {};
  const selections = new Selections({ match: 0, skip: 0, error: 0 }, () => false);
  const [from, to, other] = [5, 6, 7].map((constant) => {
    const guard = { guard: NONE, shape, constants: [constant], users: 1 } as unknown as GuardUse;
    const filter = new Filter([{ field: 'key', values: [`${constant}`] }], [], NONE);
    return selections.join(filter, 0, true, guard);
  });
  const key = Uint8Array.of(1);
  const record = { partition: 0, offset: 9, timestamp: 0, key, value: null, headers: [] };
  const facts = new RecordFacts(record, null);
  selections.addLeaves(9, facts, 3, null, [{ shape, from: 5, to: 6 }]);
  expect([...selections.takeMatched()]).toEqual([from, to]);
  expect([from, to, other].map((one) => one!.isLeave(9))).toEqual([true, true, false]);
  // Where it is not known who had it, some have to begin anew.
  selections.addLeaves(10, facts, 4, null, [{ shape, from: null, to: 6 }]);
  expect(selections.takeMatched().size).toBe(3);
  expect([from, to, other].map((one) => one!.isLeave(10))).toEqual([false, true, false]);
});
