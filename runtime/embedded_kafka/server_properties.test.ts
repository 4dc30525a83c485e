import { expect, test } from '@jest/globals';
import { serverProperties } from './server_properties.ts';

const options = { port: 9092, controllerPort: 9093, ipv6: false, logDir: 'log', properties: {} };

test('serverProperties() listens on this machine only', () => {
  const lines = serverProperties(options).split('\n');
  expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093');
  expect(lines).toContain('advertised.listeners=PLAINTEXT://localhost:9092');
});

test('serverProperties() listens on ::1 too where there is one', () => {
  const text = serverProperties({ ...options, ipv6: true });
  expect(text).toContain(',PLAINTEXT_IPV6://[::1]:9092\n');
  expect(text).toContain(',PLAINTEXT_IPV6://localhost:9092\n');
});

test('serverProperties() lets given settings win, and keeps their backslashes', () => {
  const properties = { 'auto.create.topics.enable': 'true', 'a.b': 'x\\y' };
  const lines = serverProperties({ ...options, properties }).split('\n');
  expect(lines.filter((line) => line.startsWith('auto.create'))).toEqual([
    'auto.create.topics.enable=true',
  ]);
  expect(lines).toContain('a.b=x\\\\y');
});
