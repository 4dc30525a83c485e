import { expect, test } from '@jest/globals';
import { localBrokers } from './local_brokers.ts';

test('localBrokers() tells of brokers on this machine, and of no others', () => {
  const of = (...kafkaBrokers: string[]): string | null =>
    localBrokers({ kafkaBrokers, embeddedKafkaPort: 9092 });
  expect(localBrokers({ kafkaBrokers: null, embeddedKafkaPort: 9192 })).toBe('localhost:9192');
  expect(of('localhost:9092', '[::1]:9093', '127.0.0.1:9094')).toBe(
    'localhost:9092,[::1]:9093,127.0.0.1:9094',
  );
  for (const other of ['kafka:9092', 'localhost.example:9092', '10.0.0.1:9092']) {
    expect(of('localhost:9092', other)).toBeNull();
  }
});
