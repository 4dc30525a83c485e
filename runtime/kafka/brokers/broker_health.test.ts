import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { resetSync } from '@logtape/logtape';
import { configureLogging } from '../../process/logging.ts';
import { UnreadableError } from '../fetching/fetched_records.ts';
import { BrokerHealth } from './broker_health.ts';

let lines: string[];
beforeEach(() => {
  lines = [];
  configureLogging(
    { logLevel: 'info', logFormat: 'text' },
    { isTerminal: false, write: (line) => lines.push(line) },
  );
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
    for (const topic of ['a', 'b']) health.failed('describe', topic, refused);
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
  health.failed('describe', 'orders', refused);
  expect(health.status).toEqual({ up: false, error: expect.stringContaining('ECONNREFUSED') });
  health.answered('offsets', 'orders');
  expect(health.status).toEqual({ up: true, error: expect.stringContaining('authorization') });
  expect(lines).toHaveLength(2);
  health.answered('read', 'events');
  expect(health.status).toEqual({ up: true, error: null });
  expect(lines).toHaveLength(3);
});

test('BrokerHealth stays up, and tells why, while one of several brokers refuses', () => {
  const health = new BrokerHealth();
  for (let round = 0; round < 3; round++) {
    health.answered('describe', 'events');
    health.failedAt('offsets', 'events', refused);
    health.failedAt('read', 'events', refused, 3);
    health.answered('read', 'events');
    expect(health.status).toEqual({ up: true, error: expect.stringContaining('ECONNREFUSED') });
  }
  expect(lines).toHaveLength(1);
  health.answered('offsets', 'events');
  expect(health.status).toEqual({ up: true, error: expect.stringContaining('ECONNREFUSED') });
  health.answered('read', 'events', 3);
  expect(health.status).toEqual({ up: true, error: null });
});

test('BrokerHealth tells of a partition that cannot be read for as long as it cannot', () => {
  const health = new BrokerHealth();
  const unreadable = new UnreadableError(3, 7, new Error('a batch of 0 bytes'));
  health.failedAt('read', 'events', unreadable, 3);
  health.answered('read', 'events');
  const error = expect.stringMatching(
    /^records of topic events: partition 3 .* 7 on.*0 bytes: look/,
  );
  health.answered('describe', 'events');
  expect(health.status).toEqual({ up: true, error });
  health.ended('read', 'events');
  expect(health.status).toEqual({ up: true, error: null });
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

test('BrokerHealth tells of so many different troubles at the most, and remembers no more', () => {
  const health = new BrokerHealth();
  for (let port = 1; port <= 1000; port++) {
    health.failed('describe', 'events', new Error(`connect ECONNREFUSED 127.0.0.1:${port}`));
  }
  expect(lines).toHaveLength(100);
});
