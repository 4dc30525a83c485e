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

test('BrokerHealth tells a trouble once, and once when it is over, however often it comes and goes', () => {
  const health = new BrokerHealth();
  for (let round = 0; round < 3; round++) {
    for (const topic of ['a', 'b']) health.failed('offsets', topic, refused);
    expect(health.status).toEqual({ up: false, error: expect.stringContaining('ECONNREFUSED') });
    health.answered('describe', 'c');
    expect(health.status).toEqual({ up: true, error: null });
  }
  expect(lines).toEqual([
    expect.stringContaining('ECONNREFUSED'),
    expect.stringContaining('read again'),
  ]);
});

test('BrokerHealth is up where only a right is lacking, until that very question is answered', () => {
  const health = new BrokerHealth();
  health.failed('read', 'events', forbidden);
  for (const topic of ['events', 'orders']) health.answered('describe', topic);
  health.answered('read', 'orders');
  expect(health.status).toEqual({ up: true, error: expect.stringContaining('authorization') });
  health.failed('offsets', 'orders', refused);
  expect(health.status).toEqual({ up: false, error: expect.stringContaining('ECONNREFUSED') });
  health.answered('offsets', 'orders');
  expect(health.status).toEqual({ up: true, error: expect.stringContaining('authorization') });
  expect(lines).toHaveLength(2);
  health.answered('read', 'events');
  expect(health.status).toEqual({ up: true, error: null });
  expect(lines).toHaveLength(3);
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
