import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import type { Files } from '../../../app/ports/files.ts';
import { askToken, type ClientCredentials, expiryOf, tokenOfFile } from './oauth_tokens.ts';

const CLIENT: ClientCredentials = {
  url: 'https://issuer.example/token',
  clientId: 'gateway',
  secret: 'a secret & more',
  assertionFile: null,
  parameters: [
    ['scope', 'kafka read'],
    ['audience', 'brokers'],
  ],
};

function filesOf(content: Readonly<Record<string, string>>): Files {
  return { read: async (file) => Buffer.from(content[file]!) };
}

function webOf(status: number, body: string | object) {
  const asked: { url: string; form: Record<string, string>; type: string | undefined }[] = [];
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    asked,
    async post(
      url: string,
      form: string,
      { headers }: { headers?: Readonly<Record<string, string>> },
    ) {
      const type = headers?.['content-type'];
      asked.push({ url, form: Object.fromEntries(new URLSearchParams(form)), type });
      return { status, headers: new Headers(), body: Buffer.from(text) };
    },
  };
}

function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
}

const NO_FILES = filesOf({});

describe('askToken()', () => {
  test('askToken() shows who it is in the body, with a secret', async () => {
    const web = webOf(200, { access_token: 'abc', token_type: 'Bearer', expires_in: 300 });
    const before = Date.now();
    const { value, expiresAt } = await askToken(web, NO_FILES, CLIENT);
    expect(value).toBe('abc');
    expect(expiresAt).toBeGreaterThanOrEqual(before + 300_000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 300_000);
    expect(web.asked).toEqual([
      {
        url: CLIENT.url,
        type: 'application/x-www-form-urlencoded',
        form: {
          grant_type: 'client_credentials',
          client_id: 'gateway',
          client_secret: 'a secret & more',
          scope: 'kafka read',
          audience: 'brokers',
        },
      },
    ]);
  });

  test('askToken() shows an assertion in the place of a secret, as the file has it now', async () => {
    const web = webOf(200, { access_token: 'abc' });
    const client = { ...CLIENT, secret: null, assertionFile: '/jwt', parameters: [] };
    await askToken(web, filesOf({ '/jwt': 'a.b.c\n' }), client);
    expect(web.asked[0]!.form).toEqual({
      grant_type: 'client_credentials',
      client_id: 'gateway',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'a.b.c',
    });
  });

  test.each([
    [{ access_token: jwt({ exp: 4_000_000_000 }) }, 4_000_000_000_000],
    [{ access_token: jwt({ exp: 4_000_000_000 }), expires_in: '60' }, null],
  ])('askToken() knows when it is over: %j', async (said, expiresAt) => {
    const before = Date.now();
    const token = await askToken(webOf(200, said), NO_FILES, CLIENT);
    if (expiresAt !== null) expect(token.expiresAt).toBe(expiresAt);
    else expect(Math.round((token.expiresAt - before) / 10_000)).toBe(6);
  });

  test.each([
    [
      401,
      { error: 'invalid_client', error_description: 'no such' },
      '401 (invalid_client: no such)',
    ],
    [503, '<html>', '503'],
    [200, '<html>', '200'],
    [200, { access_token: 7 }, '200'],
  ])('askToken() says in words why there is none: %i %j', async (status, body, words) => {
    const asked = askToken(webOf(status, body), NO_FILES, CLIENT);
    await expect(asked).rejects.toThrow(`KAFKA_OAUTH_TOKEN_URL answers ${words}`);
  });

  test('askToken() takes no token that would be more than one on the wire', async () => {
    for (const value of ['a\u0001b', 'a b', 'a\nb', 'é']) {
      const asked = askToken(webOf(200, { access_token: value }), NO_FILES, CLIENT);
      await expect(asked).rejects.toThrow('odd characters');
    }
  });
});

test('tokenOfFile() takes what stands there, up to when it says that it is over', async () => {
  const value = jwt({ exp: 4_000_000_000 });
  const files = filesOf({
    '/jwt': `${value}\n`,
    '/other': 'opaque',
    '/empty': '\n',
    '/old': jwt({ exp: 1 }),
  });
  expect(await tokenOfFile(files, '/jwt')).toEqual({ value, expiresAt: 4_000_000_000_000 });
  expect((await tokenOfFile(files, '/other')).expiresAt).toBeGreaterThan(Date.now() + 50_000);
  await expect(tokenOfFile(files, '/old')).rejects.toThrow('the one in /old is over');
  await expect(tokenOfFile(files, '/empty')).rejects.toThrow('/empty is empty');
});

test.each(['', 'a', 'a.b', 'a.b.c', 'e30.bnVsbA.x', 'e30.e30.x', jwt({ exp: '7' })])(
  'expiryOf() knows nothing of %j',
  (token) => {
    expect(expiryOf(token)).toBeNull();
  },
);
