import { describe, expect, test } from '@jest/globals';
import type { ConfigError } from '../errors.ts';
import { parseConfig } from './config.ts';

/** Settings and what is wrong with them. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    parseConfig({ KAFKA_BROKERS: 'kafka:9092', ...env });
    return [];
  } catch (error) {
    return (error as ConfigError).message.split('\n');
  }
}

const ISSUER = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'gateway' };

describe('signInTogether()', () => {
  test.each([
    [{}],
    [ISSUER],
    [{ ...ISSUER, REQUIRE: '"a" in scopes', JWT_QUERY: 'true', JWT_COOKIE: 'session' }],
    [{ ...ISSUER, JWT_ISSUER: 'a name', JWT_KEYS_FILE: '/keys.json' }],
    [{ ...ISSUER, JWT_SECRET_FILE: '/secret', JWT_ALGORITHMS: 'HS256,HS512' }],
    [{ ...ISSUER, JWT_ALGORITHMS: 'ES256,RS256' }],
    [{ SIGN_IN_URL: 'https://app.example/me', REQUIRE: 'true' }],
    // An empty value counts as unset.
    [{ JWT_ISSUER: '', JWT_AUDIENCE: ' ', REQUIRE: '', JWT_QUERY: 'false' }],
  ])('signInTogether() takes %j', (env) => {
    expect(faultsOf(env)).toEqual([]);
  });

  test.each([
    [{ JWT_AUDIENCE: 'x' }, ['JWT_ISSUER: expected a value beside JWT_AUDIENCE']],
    [
      { JWT_QUERY: 'true', REQUIRE: 'true' },
      ['JWT_ISSUER: expected a value beside JWT_QUERY and REQUIRE'],
    ],
    [{ JWT_ISSUER: 'https://a.example' }, ['JWT_AUDIENCE: expected a value beside JWT_ISSUER']],
    [{ REQUIRE: 'false' }, ['JWT_ISSUER: expected a value beside REQUIRE']],
    [
      { JWT_ISSUER: 'false' },
      [
        'JWT_AUDIENCE: expected a value beside JWT_ISSUER',
        'JWT_ISSUER: expected an address that says where its keys are, or one of JWT_JWKS_URL, JWT_KEYS_FILE, JWT_SECRET_FILE',
      ],
    ],
    [
      { ...ISSUER, JWT_KEYS_FILE: 'a', JWT_SECRET_FILE: 'b' },
      ['JWT_KEYS_FILE: expected no other source of keys beside JWT_SECRET_FILE'],
    ],
    [
      { ...ISSUER, JWT_ISSUER: 'a name' },
      [
        'JWT_ISSUER: expected an address that says where its keys are, or one of JWT_JWKS_URL, JWT_KEYS_FILE, JWT_SECRET_FILE',
      ],
    ],
    [
      { ...ISSUER, JWT_ALGORITHMS: 'ES256,HS256' },
      ['JWT_ALGORITHMS: expected none of HS256, HS384, HS512 without JWT_SECRET_FILE'],
    ],
    [
      { ...ISSUER, JWT_SECRET_FILE: 'b', JWT_ALGORITHMS: 'HS256,ES256' },
      ['JWT_ALGORITHMS: expected HS256, HS384, HS512 alone with JWT_SECRET_FILE'],
    ],
    [
      { ...ISSUER, SIGN_IN_URL: 'https://app.example/me' },
      ['SIGN_IN_URL: expected no value beside JWT_ISSUER: one of the two'],
    ],
    [
      { SIGN_IN_URL: 'https://app.example/me', JWT_AUDIENCE: 'x' },
      ['JWT_ISSUER: expected a value beside JWT_AUDIENCE'],
    ],
    [
      { ...ISSUER, JWT_AUDIENCES: 'x', SIGN_IN_SECRETLY: 'y' },
      [
        'JWT_AUDIENCES: expected no setting of this name: did you mean JWT_AUDIENCE? (docs/settings.md lists them)',
        'SIGN_IN_SECRETLY: expected no setting of this name (docs/settings.md lists them)',
      ],
    ],
  ])('signInTogether() refuses %j', (env, faults) => {
    expect(faultsOf(env as Record<string, string>)).toEqual(faults);
  });

  test.each([
    ['JWT_ALGORITHMS', 'none'],
    ['JWT_ALGORITHMS', 'ES512'],
    ['JWT_JWKS_URL', 'issuer.example/keys'],
    ['JWT_JWKS_URL', 'file:///keys'],
    ['JWT_JWKS_URL', 'https://user:secret@issuer.example/keys'],
    ['JWT_COOKIE', 'a b'],
    ['JWT_COOKIE', 'a=b'],
    ['JWT_QUERY', 'yes'],
    ['JWT_AUDIENCE', 'a,,b'],
    ['JWT_KEYS_FILE', '-----BEGIN PUBLIC KEY-----'],
  ])('parseConfig() refuses %s=%s, and shows no secret', (name, value) => {
    const [fault, ...others] = faultsOf({ ...ISSUER, [name]: value });
    expect(others).toEqual([]);
    expect(fault).toContain(name);
    expect(fault).not.toMatch(/secret|BEGIN/);
  });
});
