import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { resetSync } from '@logtape/logtape';
import { configureLogging } from '../logging.ts';
import { BrokerHealth } from './broker_health.ts';

let lines: string[];
beforeEach(() => {
  lines = [];
  configureLogging('info', { isTerminal: true, write: (line) => lines.push(line) });
});
afterEach(() => resetSync());

const refused = new Error('connect ECONNREFUSED 127.0.0.1:9092');
const forbidden = new Error('Broker: Topic authorization failed');

test('BrokerHealth is down until the brokers were asked', () => {
  const health = new BrokerHealth();
  expect(health.status).toEqual({ up: false, error: 'not asked yet' });
  health.answered('describe', 'events');
  expect(health.status).toEqual({ up: true, error: null });
  expect(lines).toEqual([]);
});

test('BrokerHealth tells a trouble once, and when the last one is over', () => {
  const health = new BrokerHealth();
  for (const topic of ['a', 'b', 'a']) health.failed('describe', topic, refused);
  expect(lines).toEqual([expect.stringContaining('ECONNREFUSED')]);
  health.answered('describe', 'a');
  expect(health.status).toEqual({ up: false, error: expect.stringContaining('ECONNREFUSED') });
  health.answered('describe', 'b');
  expect(health.status).toEqual({ up: true, error: null });
  expect(lines.slice(1)).toEqual([expect.stringContaining('read again')]);
  health.failed('describe', 'a', refused);
  expect(lines).toHaveLength(3);
});

test('BrokerHealth is down while one step fails, whatever the others do', () => {
  const health = new BrokerHealth();
  for (let round = 0; round < 3; round++) {
    health.answered('describe', 'events');
    health.failed('offsets', 'events', refused);
    expect(health.status.up).toBe(false);
  }
  expect(lines).toHaveLength(1);
});

test('BrokerHealth is up where only a right is lacking, and tells a broker that is down first', () => {
  const health = new BrokerHealth();
  health.failed('read', 'events', forbidden);
  expect(health.status).toEqual({ up: true, error: expect.stringContaining('authorization') });
  health.failed('offsets', 'orders', refused);
  expect(health.status).toEqual({ up: false, error: expect.stringContaining('ECONNREFUSED') });
  expect(lines).toHaveLength(2);
});

test.each([
  (health: BrokerHealth) => health.gone('events'),
  (health: BrokerHealth) => health.ended('read', 'events'),
  (health: BrokerHealth) => health.failed('read', 'events', new Error('Broker: Unknown topic')),
])('BrokerHealth forgets what is over: %s', (end) => {
  const health = new BrokerHealth();
  health.failed('read', 'events', forbidden);
  end(health);
  expect(health.status).toEqual({ up: true, error: null });
});
