import { describe, expect, test } from '@jest/globals';
import { ConfigError, GatewayError } from './errors.ts';

describe('GatewayError', () => {
  test('GatewayError keeps code and cause, and ends a process with 1', () => {
    const cause = new Error('EADDRINUSE');
    const error = new GatewayError('PORT_IN_USE', 'HTTP_PORT 8080 is in use', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'GatewayError', code: 'PORT_IN_USE', exitCode: 1, cause });
  });
});

describe('ConfigError', () => {
  test('ConfigError has one line a fault, and leaves out what was not given', () => {
    const error = new ConfigError([
      { setting: 'HTTP_PORT', expected: 'a port', got: 'x' },
      { setting: 'KAFKA_PASSWORD', expected: 'a value' },
    ]);
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'CONFIG', exitCode: 78 });
    expect(error.message).toBe(
      'HTTP_PORT: got "x", expected a port\nKAFKA_PASSWORD: expected a value',
    );
  });

  test.each([
    ['a\nHTTP_PORT: fine', '"a\\u{a}HTTP_PORT: fine"'],
    ['\u001b[2J\u0085\u2028\u202e', '"\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}"'],
    ['"\\', '"\\"\\\\"'],
    ['８０', '"８０"'],
    ['\ud800', '"\\u{d800}"'],
    ['', '""'],
    ['a'.repeat(81), `"${'a'.repeat(80)}" (81 characters)`],
  ])('ConfigError shows %j on one line', (got, shown) => {
    const { message } = new ConfigError([{ setting: 'TOPICS', expected: 'a topic name', got }]);
    expect(message).toBe(`TOPICS: got ${shown}, expected a topic name`);
  });
});
