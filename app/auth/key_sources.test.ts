import { describe, expect, test } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair } from 'jose';
import type { Files } from '../ports/files.ts';
import type { Web, WebQuestion } from '../ports/web.ts';
import { keysByDiscovery, keysByFile, keysBySecret, keysByUrl } from './key_sources.ts';

const ALGORITHMS = ['ES256', 'RS256'];
const { publicKey } = await generateKeyPair('ES256');
const JWKS = JSON.stringify({ keys: [await exportJWK(publicKey)] });

/** Answers by address; what is not there is 404. */
function web(answers: Readonly<Record<string, string | number>>) {
  const asked: { url: string; question: WebQuestion }[] = [];
  const port: Web = {
    async get(url, question) {
      asked.push({ url, question });
      const answer = answers[url] ?? 404;
      const [status, text] = typeof answer === 'number' ? [answer, JWKS] : [200, answer];
      return { status, headers: new Headers(), body: new TextEncoder().encode(text) };
    },
  };
  return { asked, port };
}

const file = (text: string | Uint8Array): Files => ({
  read: async () => (typeof text === 'string' ? new TextEncoder().encode(text) : text),
});

describe('keysByUrl()', () => {
  test('asks for 1 MB and 5 s at most, every 10 minutes', async () => {
    const { asked, port } = web({ 'https://i.example/keys': JWKS });
    const source = keysByUrl(port, 'https://i.example/keys', ALGORITHMS);
    expect((await source.load()).keys).toHaveLength(1);
    expect(asked[0]!.question).toMatchObject({ timeoutMs: 5000, maxBytes: 2 ** 20 });
    expect(source.everyMs).toBe(600_000);
  });

  test.each([301, 302, 304, 204, 401, 500])('takes the status %d for no answer', async (status) => {
    const { port } = web({ 'https://i.example/keys': status });
    const source = keysByUrl(port, 'https://i.example/keys', ALGORITHMS);
    await expect(source.load()).rejects.toThrow(`status ${status}`);
  });

  test.each(['', '<html>', '[]', 'null', '{"keys":[]}', '{"keys":{}}'])(
    'takes %j for no answer',
    async (text) => {
      const { port } = web({ 'https://i.example/keys': text });
      await expect(keysByUrl(port, 'https://i.example/keys', ALGORITHMS).load()).rejects.toThrow();
    },
  );
});

describe('keysByDiscovery()', () => {
  const described = (issuer: unknown, more: object = { jwks_uri: 'https://k.example/keys' }) =>
    JSON.stringify({ issuer, ...more });

  test.each(['https://i.example', 'https://i.example/', 'https://i.example/a/b'])(
    'finds the keys of %s',
    async (issuer) => {
      const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      const { asked, port } = web({ [place]: described(issuer), 'https://k.example/keys': JWKS });
      expect((await keysByDiscovery(port, issuer, ALGORITHMS).load()).keys).toHaveLength(1);
      expect(asked.map(({ url }) => url)).toEqual([place, 'https://k.example/keys']);
    },
  );

  test.each([
    ['another issuer', described('https://other.example'), 'names the issuer'],
    ['the issuer but for a slash', described('https://i.example/'), 'names the issuer'],
    ['none', described(undefined), 'names the issuer'],
    ['null', 'null', 'names the issuer'],
    ['no place of the keys', described('https://i.example', {}), 'jwks_uri'],
    ['a file', described('https://i.example', { jwks_uri: 'file:///etc/passwd' }), 'jwks_uri'],
    ['no JSON', '<html>', 'JSON'],
  ])('takes a description that names %s for no answer', async (_, text, why) => {
    const place = 'https://i.example/.well-known/openid-configuration';
    const { port } = web({ [place]: text, 'https://k.example/keys': JWKS });
    await expect(keysByDiscovery(port, 'https://i.example', ALGORITHMS).load()).rejects.toThrow(
      why,
    );
  });
});

describe('keysByFile()', () => {
  test('reads a key set or PEM, and looks again every 5 s', async () => {
    for (const text of [JWKS, await exportSPKI(publicKey)]) {
      const source = keysByFile(file(text), 'keys', ALGORITHMS);
      expect([(await source.load()).keys.length, source.everyMs]).toEqual([1, 5000]);
    }
  });
});

describe('keysBySecret()', () => {
  const algorithms = ['HS256', 'HS384', 'HS512'];

  test.each([
    [32, ['HS256']],
    [48, ['HS256', 'HS384']],
    [64, algorithms],
  ])('takes a secret of %d bytes for hashes that are no longer', async (length, expected) => {
    for (const end of ['', '\n', '\r\n']) {
      const { keys } = await keysBySecret(file('s'.repeat(length) + end), 'x', algorithms).load();
      expect(keys.map(({ algorithm }) => algorithm)).toEqual(expected);
      expect(keys[0]!.key).toHaveLength(length);
    }
  });

  test('takes a shorter one for none', async () => {
    const source = keysBySecret(file(`${'s'.repeat(31)}\n`), 'x', algorithms);
    await expect(source.load()).rejects.toThrow('31 bytes are too short');
  });
});
