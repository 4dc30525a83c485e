import { describe, expect, test } from '@jest/globals';
import { openTo } from './announcement.ts';

describe('openTo()', () => {
  test.each([
    [null, null, null, 'open to all'],
    ['https://i.example', null, null, 'open to all who sign in'],
    [null, 'https://app.example/me', null, 'open to all who sign in'],
    ['https://i.example', null, 'true', 'open to all who sign in'],
    ['https://i.example', null, '"read" in scopes', null],
  ])('says who may read by JWT_ISSUER %s, SIGN_IN_URL %s, REQUIRE %s', (...settings) => {
    const [jwtIssuer, signInUrl, require, expected] = settings;
    expect(openTo({ jwtIssuer, signInUrl, require })).toBe(expected);
  });
});
