import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Health } from '../../app/describe/admin.ts';
import { HealthReport } from './health_report.ts';

const UP: Health = { missing: [], brokers: { up: true, error: null } };
const DOWN: Health = { missing: [], brokers: { up: false, error: 'refused' } };

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test('HealthReport tells what is new, and every 5 s that the worker lives', () => {
  const told: Health[] = [];
  const report = new HealthReport((health) => told.push(health));
  for (let n = 0; n < 19; n++) {
    report.tell({ ...UP });
    jest.advanceTimersByTime(250);
  }
  expect(told).toEqual([UP]);
  report.tell(DOWN);
  report.tell(DOWN);
  report.tell(UP);
  expect(told).toEqual([UP, DOWN, UP]);
  jest.advanceTimersByTime(5000);
  report.tell(UP);
  expect(told).toEqual([UP, DOWN, UP, UP]);
});
