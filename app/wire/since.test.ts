import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseSince, SINCE_FORMS } from './since.ts';

const NOON = Date.UTC(2026, 0, 31, 12);

describe('parseSince()', () => {
  test.each([null, undefined, ''])('parseSince() takes %j for none', (text) => {
    expect(parseSince(text)).toBeNull();
  });

  test('parseSince() takes "latest"', () => {
    expect(parseSince('latest')).toBe('latest');
  });

  test.each([
    ['100000000000', 10 ** 11],
    ['1700000000000', 1_700_000_000_000],
    ['0001700000000000', 1_700_000_000_000],
    ['8640000000000000', 8.64e15],
  ])('parseSince() takes %s for Unix milliseconds', (text, time) => {
    expect(parseSince(text)).toBe(time);
  });

  test.each([
    ['-1', -1],
    ['-100', -100],
    ['-1000000', -1_000_000],
  ])('parseSince() takes %s for so many offsets before the end', (text, back) => {
    expect(parseSince(text)).toBe(back);
  });

  test.each([
    ['2026-01-31T12:00:00Z', NOON],
    ['2026-01-31t12:00:00z', NOON],
    ['2026-01-31 12:00:00Z', NOON],
    ['2026-01-31T12:00:00+00:00', NOON],
    ['2026-01-31T12:00:00-00:00', NOON],
    ['2026-01-31T13:30:00+01:30', NOON],
    ['2026-01-31T04:00:00-08:00', NOON],
    ['2026-02-01T11:59:00+23:59', NOON],
    ['2026-01-30T12:01:00-23:59', NOON],
    ['2026-01-31T13:30:00 01:30', NOON],
    ['2026-01-31 13:30:00 01:30', NOON],
    ['2026-01-31T12:00:00.5Z', NOON + 500],
    ['2026-01-31T12:00:00.123Z', NOON + 123],
    ['2026-01-31T12:00:00.123456789Z', NOON + 123],
    ['2026-01-31T12:00:00.9999999Z', NOON + 999],
    [`2026-01-31T12:00:00.${'9'.repeat(10_000)}Z`, NOON + 999],
    ['2026-01-31T12:00:00.000+00:00', NOON],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['9999-12-31T23:59:59Z', Date.UTC(9999, 11, 31, 23, 59, 59)],
    ['1970-01-01T00:00:00Z', 0],
  ])('parseSince() takes the RFC 3339 time %s', (text, time) => {
    expect(parseSince(text)).toBe(time);
  });

  test.each([
    ['1990-12-31T23:59:60Z', Date.UTC(1990, 11, 31, 23, 59, 59)],
    ['1990-12-31T15:59:60-08:00', Date.UTC(1990, 11, 31, 23, 59, 59)],
    ['2016-12-31T23:59:60.250Z', Date.UTC(2016, 11, 31, 23, 59, 59, 250)],
  ])('parseSince() takes the leap second %s for the second before it', (text, time) => {
    expect(parseSince(text)).toBe(time);
  });

  // Negative times mean other things to Kafka: -1 is the end of the log, -2 its start.
  test.each([
    '1969-12-31T23:59:59.999Z',
    '1969-12-31T23:59:59.998Z',
    '1970-01-01T00:00:00+00:01',
    '1900-01-01T00:00:00Z',
    '0000-02-29T00:00:00Z',
    '0001-01-01T00:00:00Z',
  ])('parseSince() takes %s, before all Unix times, for the first of them', (text) => {
    expect(parseSince(text)).toBe(0);
  });

  test.each([
    '0',
    '1700000000',
    '99999999999',
    '00000000000099999999999',
    '8640000000000001',
    '9'.repeat(400),
    '-0',
    '-01',
    '- 1',
    '-1.5',
    '-1000001',
    '-1700000000000',
    '+1700000000000',
    '1e12',
    '1700000000000.5',
    '0x18bcfe56800',
    '1_700_000_000_000',
    '1700000000000n',
    '١٧٠٠٠٠٠٠٠٠٠٠٠',
  ])('parseSince() refuses the number %s', (text) => {
    expect(parseSince(text)).toBe('invalid');
  });

  test.each([
    '2026-01-31',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31T12:00:00.Z',
    '2026-01-31T12:00:00,5Z',
    '2026-01-31T12:00:00+01',
    '2026-01-31T12:00:00+0100',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31T12:00:00+01:60',
    '2026-01-31T12:00:00\u221201:00',
    '2026-01-31T12:00:00 Z',
    '2026-01-31T12:00:00Z ',
    ' 2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00Z\n',
    '2026-01-31_12:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:61Z',
    '2026-02-30T12:00:00Z',
    '2026-02-29T12:00:00Z',
    '2100-02-29T12:00:00Z',
    '2026-04-31T12:00:00Z',
    '2026-01-32T12:00:00Z',
    '2026-01-00T12:00:00Z',
    '2026-00-10T12:00:00Z',
    '2026-13-10T12:00:00Z',
    '26-01-31T12:00:00Z',
    '12026-01-31T12:00:00Z',
    '+002026-01-31T12:00:00Z',
    '-2026-01-31T12:00:00Z',
    '2026-1-31T12:00:00Z',
    '2026-W05-6T12:00:00Z',
    '２０２６-01-31T12:00:00Z',
    'Sat, 31 Jan 2026 12:00:00 GMT',
  ])('parseSince() refuses the time %j', (text) => {
    expect(parseSince(text)).toBe('invalid');
  });

  test.each([
    'Latest',
    'LATEST',
    ' latest',
    'latest ',
    'earliest',
    'now',
    'yesterday',
    'null',
    'undefined',
    'NaN',
    'Infinity',
    '{}',
    ' ',
    '\0',
    '\ud800',
    'x'.repeat(32_768),
    '1'.repeat(32_768),
    '2026-01-31T12:00:00.'.padEnd(32_768, '1'),
  ])('parseSince() refuses %j', (text) => {
    expect(parseSince(text)).toBe('invalid');
  });

  test('parseSince() takes every time that Date writes, in any zone', () => {
    const anyZone = fc.tuple(fc.constantFrom(1, -1), fc.nat(23), fc.nat(59));
    const anyTime = fc.integer({ min: 10 ** 9, max: Date.UTC(9990, 0) });
    fc.assert(
      fc.property(anyTime, anyZone, (time, [sign, hours, minutes]) => {
        const local = new Date(time + sign * (hours * 60 + minutes) * 60_000).toISOString();
        const zone = [hours, minutes].map((part) => String(part).padStart(2, '0')).join(':');
        const text = `${local.slice(0, -1)}${sign < 0 ? '-' : '+'}${zone}`;
        expect(parseSince(text)).toBe(time);
        expect(parseSince(text.replace('+', ' '))).toBe(time);
      }),
    );
  });

  test('parseSince() gives a time that Kafka takes, offsets before the end, or refuses, whatever it is sent', () => {
    const digits = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), digits), (text) => {
        const since = parseSince(text);
        const isNumber = Number.isSafeInteger(since) && Number(since) >= -1_000_000;
        expect(since === 'invalid' || since === 'latest' || isNumber).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('SINCE_FORMS', () => {
  test('SINCE_FORMS names on one line what parseSince() takes', () => {
    expect(SINCE_FORMS).not.toContain('\n');
    for (const form of ['"latest"', 'RFC 3339', 'milliseconds', '-1 to -1000000'])
      expect(SINCE_FORMS).toContain(form);
    const [example] = /\d{4}-[^)]+/.exec(SINCE_FORMS)!;
    expect(parseSince(example)).toBe(NOON);
  });
});
