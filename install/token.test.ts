import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { readKeyFile } from '../app/auth/keys.ts';
import { makeToken } from './token.mjs';

const folder = mkdtempSync(join(tmpdir(), 'token-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('makeToken()', () => {
  test('signs each by the one key, whose public half alone is for the gateway', async () => {
    const tokens = [
      await makeToken(['--sub', 'alice', '--scope', 'orders:read', '--seconds', '60'], folder),
      await makeToken([], folder),
    ];
    const text = readFileSync(join(folder, 'keys.json'), 'utf8');
    const keys = JSON.parse(text);
    expect(await readKeyFile(text, ['ES256'])).toMatchObject({ keys: [{ algorithm: 'ES256' }] });
    expect(keys.keys).toEqual([expect.not.objectContaining({ d: expect.anything() })]);
    expect(statSync(join(folder, 'private.json')).mode & 0o777).toBe(0o600);
    const expected = { issuer: 'this-clone', audience: 'gateway' };
    const verified = await Promise.all(
      tokens.map((token) => jwtVerify(token, createLocalJWKSet(keys), expected)),
    );
    const [first, second] = verified.map(({ payload }) => payload);
    expect(first).toMatchObject({ sub: 'alice', scope: 'orders:read' });
    expect(first!.exp! - first!.iat!).toBe(60);
    expect(second).not.toHaveProperty('scope');
  });

  test('refuses what it does not know, and a time that is none', async () => {
    await expect(makeToken(['--nope'], folder)).rejects.toThrow("Unknown option '--nope'");
    await expect(makeToken(['--seconds', '0'], folder)).rejects.toThrow('--seconds takes a number');
  });
});
