import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { ConfigError, type ConfigFault } from '../errors.ts';
import { parseConfig, SETTINGS } from './config.ts';

type Env = Record<string, string | undefined>;

function faultsOf(env: Env): readonly ConfigFault[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

function faultNames(env: Env): string[] {
  return faultsOf(env).map((fault) => fault.setting);
}

describe('parseConfig() of single values', () => {
  test.each([
    '8080x',
    '-1',
    '+1',
    '1e3',
    '0x50',
    '1.0',
    '1,000',
    '65536',
    '99999999999999999999',
    '٨٠٨٠',
    '８０８０',
    'NaN',
    'Infinity',
    '80 80',
    '8080\u0000',
    '1_000',
    'null',
    '""',
  ])('parseConfig() refuses the port %j', (value) => {
    expect(faultsOf({ HTTP_PORT: value })).toMatchObject([{ setting: 'HTTP_PORT', got: value }]);
  });

  test.each([
    ['EMBEDDED_KAFKA_PORT', '-1'],
    ['HEARTBEAT_SECONDS', '2147484'],
    ['MAX_AGE_SECONDS', '0.5'],
    ['STALL_SECONDS', '30s'],
    ['DRAIN_SECONDS', '-1'],
    ['MAX_CONNECTIONS', '10000001'],
    ['MAX_CONNECTIONS_PER_IP', 'off'],
    ['FEED_MEMORY_MB', '0'],
    ['FEED_MEMORY_MB', '64MB'],
    ['WORKERS', '0'],
    ['WORKERS', 'AUTO'],
    ['WORKERS', '1025'],
    ['KAFKA_TLS', '1'],
    ['TRUST_PROXY', 'on'],
    ['LOG_LEVEL', 'WARN'],
    ['KAFKA_CA_FILE', '-----BEGIN CERTIFICATE-----\nMII\n'],
  ])('parseConfig() refuses %s=%j', (name, value) => {
    expect(faultNames({ [name]: value })).toEqual([name]);
  });

  test.each([
    'kafka',
    ':9092',
    'kafka:',
    'kafka:0',
    'kafka:65536',
    'kafka:9092/',
    'PLAINTEXT://kafka:9092',
    '::1:9092',
    '[::1]',
    '[::1:9092',
    '::1]:9092',
    '[]:9092',
    '[kafka]:9092',
    '[::1]x:9092',
    'a b:9092',
    'kafka:٩٠٩٢',
    'kafka:9092:9093',
    '1.2.3:9092',
    '256.1.1.1:9092',
    '[',
    ']',
    'käfka:9092',
    `${'k'.repeat(254)}:9092`,
    'kafka:9092\nx:1',
  ])('parseConfig() refuses the broker %j', (value) => {
    expect(faultsOf({ KAFKA_BROKERS: value })).toMatchObject([{ setting: 'KAFKA_BROKERS' }]);
  });

  test.each(['[::1]', '1.2.3', '127.0.0.256', '8080', 'a b', 'http://a', 'a:80', ':', 'ö'])(
    'parseConfig() refuses the address %j, once where ADMIN_HOST takes it over',
    (value) => {
      expect(faultNames({ HOST: value })).toEqual(['HOST']);
      expect(faultNames({ ADMIN_HOST: value })).toEqual(['ADMIN_HOST']);
    },
  );

  test('parseConfig() reports each wrong entry of a list by itself', () => {
    expect(faultsOf({ TOPICS: 'a,,b,..,ok, ,a/b' }).map((fault) => fault.got)).toEqual([
      '',
      '..',
      '',
      'a/b',
    ]);
  });

  test.each([
    '.',
    '..',
    'a b',
    'a/b',
    '../x',
    '%2e%2e',
    'ä',
    'a\u0000',
    'a:b',
    'a'.repeat(250),
    ',',
  ])('parseConfig() refuses the topic name %j', (value) => {
    expect(new Set(faultNames({ TOPICS: value }))).toEqual(new Set(['TOPICS']));
  });

  test.each(['...', 'a'.repeat(249), '-', '_', 'index.html'])(
    'parseConfig() takes the topic name %j',
    (value) => {
      expect(parseConfig({ TOPICS: value }).topics).toEqual([value]);
    },
  );

  test.each([
    'a.example',
    'https://a.example/',
    'https://a.example/x',
    'https://a.example:443',
    'HTTPS://a.example',
    'https://A.example',
    'https://ä.example',
    'https://u:p@a.example',
    'https://',
    'https://*.a.example',
    '*,https://a.example',
    'file:///',
    'javascript:alert(1)',
    'https://a.example?x',
    'https://a b',
  ])('parseConfig() refuses the origins %j', (value) => {
    expect(faultNames({ CORS_ORIGINS: value })).toEqual(['CORS_ORIGINS']);
  });

  test('parseConfig() takes every whole number in range and none beyond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 70_000 }), (number) => {
        const isRight = number >= 0 && number <= 65_535;
        const env = {
          HTTP_PORT: String(number),
          HTTPS_PORT: '0',
          ADMIN_PORT: '0',
          KAFKA_BROKERS: 'k:1',
        };
        expect(faultNames(env)).toEqual(isRight && number !== 0 ? [] : ['HTTP_PORT']);
      }),
    );
  });

  test('parseConfig() answers any environment with a Config or one line a fault', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(
          '0',
          '9',
          '.',
          ':',
          ',',
          '[',
          ']',
          '*',
          '/',
          '-',
          '\n',
          '\u2028',
          'a',
        ),
      }),
      fc.nat().map(String),
    );
    const names = Object.values(SETTINGS).map(({ name }) => name);
    const env = fc.dictionary(fc.constantFrom(...names), hostile);
    fc.assert(
      fc.property(env, (given) => {
        const faults = faultsOf(given);
        const lines =
          faults.length === 0 ? [] : new ConfigError(faults).message.split(/[\n\r\u2028\u2029]/);
        expect(lines).toHaveLength(faults.length);
        for (const line of lines)
          expect(line).toMatch(/^[A-Z_]+: (?:got ".*", |got ".*" \(\d+ characters\), )?expected ./);
      }),
      { numRuns: runsOf(500) },
    );
  });
});
