import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  type JWK,
  UnsecuredJWT,
} from 'jose';
import { eventually } from '../../test/support/deadline.ts';
import { isKnown, type Verdict } from './identity.ts';
import { type KeySet, readKeyFile, readKeySet, secretKeys } from './keys.ts';
import { Tokens } from './tokens.ts';

const ISSUER = 'https://issuer.example/realm';
const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const ASYMMETRIC = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const CLAIMS = { iss: ISSUER, aud: 'gateway', exp: SECONDS + 60, sub: 'alice' };

interface Signer {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

const signers = new Map<string, Signer>();

async function newSigner(algorithm: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { publicKey, privateKey, jwk: await exportJWK(publicKey) };
}

beforeAll(async () => {
  for (const name of [...ASYMMETRIC, 'other']) {
    signers.set(name, await newSigner(name === 'other' ? 'ES256' : name));
  }
});

function signer(name: string): Signer {
  return signers.get(name)!;
}

function sign(
  claims: object | string,
  head: { alg: string; [name: string]: unknown } = { alg: 'ES256' },
  key: CryptoKey | Uint8Array = signer(head.alg).privateKey,
): Promise<string> {
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader(head)
    .sign(key, { crit: { exp: true, b64: true, x: true } });
}

async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await null;
}

function base64url(json: unknown): string {
  return Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)).toString('base64url');
}

interface Setup {
  readonly set?: () => KeySet | Promise<KeySet>;
  readonly algorithms?: readonly string[];
  readonly audiences?: readonly string[];
  readonly now?: () => number;
}

function jwks(...keys: JWK[]): Promise<KeySet> {
  return readKeySet(JSON.stringify({ keys }), ASYMMETRIC);
}

/** All keys without `kid` or `alg`. */
const all = () => jwks(...ASYMMETRIC.map((name) => signer(name).jwk));

/** One that has asked for its keys once. */
async function tokensOf(setup: Setup = {}): Promise<Tokens> {
  const { set = all, algorithms = ASYMMETRIC, audiences = ['gateway'], now = () => NOW } = setup;
  const source = { name: 'test', everyMs: 1, load: async () => set() };
  const tokens = new Tokens({ issuer: ISSUER, audiences }, algorithms, source, now);
  await tokens.keys.askForUnknown();
  return tokens;
}

async function verdictOf(token: string, setup?: Setup): Promise<Verdict> {
  return (await tokensOf(setup)).verify(token);
}

async function expectLetIn(token: string, setup?: Setup): Promise<void> {
  expect(await verdictOf(token, setup)).toMatchObject({ claims: { sub: 'alice' } });
}

async function expectRefused(token: string, why: string, refusal = 'invalid', setup?: Setup) {
  expect(await verdictOf(token, setup)).toEqual({
    refusal,
    why: expect.stringContaining(why),
  });
}

describe('Tokens.verify()', () => {
  test('keeps no token whose key goes in the very turn in which it was verified', async () => {
    const [old, next] = [await jwks(signer('ES256').jwk), await jwks(signer('other').jwk)];
    const token = await sign(CLAIMS);
    for (let turns = 0; turns < 30; turns++) {
      const answers: ((set: KeySet) => void)[] = [];
      const load = () => new Promise<KeySet>((answer) => answers.push(answer));
      const source = { name: 'test', everyMs: 0, load };
      const expected = { issuer: ISSUER, audiences: ['gateway'] };
      const tokens = new Tokens(expected, ASYMMETRIC, source, () => NOW);
      const end = new AbortController();
      void tokens.keys.run(end.signal);
      answers[0]!(old);
      await eventually('the next question', async () => answers.length === 2);
      const verify = jest.spyOn(crypto.subtle, 'verify').mockImplementationOnce(async () => {
        void afterTurns(turns).then(() => answers[1]!(next));
        return true;
      });
      await tokens.verify(token);
      verify.mockRestore();
      await eventually('the next keys', async () => tokens.keys.set === next);
      expect([turns, await tokens.verify(token)]).toMatchObject([turns, { refusal: 'invalid' }]);
      end.abort();
    }
  });

  test.each(ASYMMETRIC)('lets in a token that is signed by %s', async (alg) => {
    await expectLetIn(await sign(CLAIMS, { alg }));
  });

  test('lets in a token that is signed with a secret, where secrets are taken', async () => {
    const secret = new TextEncoder().encode('s'.repeat(64));
    const set = () => secretKeys(secret, ['HS256', 'HS512']);
    for (const alg of ['HS256', 'HS512']) {
      const token = await sign(CLAIMS, { alg }, secret);
      await expectLetIn(token, { set, algorithms: ['HS256', 'HS512'] });
    }
  });

  test.each(['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined])(
    'lets in the typ %s',
    async (typ) => {
      await expectLetIn(await sign(CLAIMS, { alg: 'ES256', ...(typ && { typ }) }));
    },
  );

  test.each([
    ['an audience in a list', { aud: ['x', 'gateway'] }],
    ['client_id without aud', { aud: undefined, client_id: 'gateway' }],
    ['a time in the far future', { exp: 1e11 }],
    ['a part of a second', { exp: SECONDS + 0.5 }],
    ['a clock that is 30 s ahead', { nbf: SECONDS + 30, iat: SECONDS + 30 }],
  ])('lets in %s', async (_, claims) => {
    await expectLetIn(await sign({ ...CLAIMS, ...claims }));
  });

  test.each([
    ['another issuer', { iss: 'https://issuer.example' }, 'iss "https://issuer.example", expected'],
    ['an issuer with a slash more', { iss: `${ISSUER}/` }, 'iss'],
    ['an issuer in a list', { iss: [ISSUER] }, 'iss'],
    ['no issuer', { iss: undefined }, 'iss none'],
    ['another audience', { aud: 'other' }, 'aud "other", expected "gateway"'],
    ['no audience', { aud: undefined }, 'aud none'],
    ['an empty list of audiences', { aud: [] }, 'aud []'],
    ['an audience within another', { aud: 'gateway2' }, 'aud'],
    ['an audience in an object', { aud: { gateway: true } }, 'aud'],
    ['client_id beside an aud that does not fit', { aud: 'x', client_id: 'gateway' }, 'aud "x"'],
    ['no exp', { exp: undefined }, 'no exp'],
    ['exp as text', { exp: `${SECONDS + 60}` }, 'exp is no number'],
    ['exp null', { exp: null }, 'exp is no number'],
    ['exp in milliseconds', { exp: NOW + 60_000 }, 'no time in seconds'],
    ['nbf ahead', { nbf: SECONDS + 31 }, 'nbf is 31 s ahead'],
    ['iat ahead', { iat: SECONDS + 31 }, 'iat is 31 s ahead'],
    ['nbf as text', { nbf: '0' }, 'nbf is no number'],
    ['a key to show that is not asked for', { cnf: { jkt: 'x' } }, 'cnf'],
    ['cnf null', { cnf: null }, 'cnf'],
  ])('refuses %s', async (_, claims, why) => {
    await expectRefused(await sign({ ...CLAIMS, ...claims }), why);
  });

  test('refuses exp without any tolerance', async () => {
    for (const exp of [SECONDS, SECONDS - 1, SECONDS - 1e6, 0, -1]) {
      await expectRefused(await sign({ ...CLAIMS, exp }), 'ago', 'expired');
    }
  });

  test('refuses what is over, also where its key has gone since', async () => {
    const old = await sign({ ...CLAIMS, exp: SECONDS - 1 }, { alg: 'ES256', kid: 'old' });
    const set = () => jwks({ ...signer('other').jwk, kid: 'new' });
    await expectRefused(old, 'its exp is over', 'expired', { set });
  });

  test.each([
    ['no token', ''],
    ['one word', 'x'],
    ['dots alone', '..'],
    ['four dots (encrypted)', 'a.b.c.d.e'],
    ['what is no base64', '!.!.!'],
    ['a head that is no JSON', `${base64url('x')}.${base64url(CLAIMS)}.AA`],
    ['a head that is a list', `${base64url([])}.${base64url(CLAIMS)}.AA`],
    ['a head that is null', `${base64url('null')}.${base64url(CLAIMS)}.AA`],
    ['no alg', `${base64url({})}.${base64url(CLAIMS)}.AA`],
    ['no signature', `${base64url({ alg: 'ES256' })}.${base64url(CLAIMS)}.`],
    ['alg in capitals', `${base64url({ alg: 'es256' })}.${base64url(CLAIMS)}.AA`],
    ['alg in a list', `${base64url({ alg: ['ES256'] })}.${base64url(CLAIMS)}.AA`],
    ['alg __proto__', `${base64url({ alg: '__proto__' })}.${base64url(CLAIMS)}.AA`],
    ['a kid that is no text', `${base64url({ alg: 'ES256', kid: 1 })}.${base64url(CLAIMS)}.AA`],
    ['what is huge', `${base64url({ alg: 'ES256' })}.${'A'.repeat(40_000)}.AA`],
  ])('refuses %s', async (_, token) => {
    await expectRefused(token, '');
  });

  test('refuses alg none, in any spelling', async () => {
    const unsigned = new UnsecuredJWT(CLAIMS).encode();
    await expectRefused(unsigned, 'alg "none"');
    for (const alg of ['None', 'NONE', 'nOnE']) {
      await expectRefused(`${base64url({ alg })}.${base64url(CLAIMS)}.`, `alg "${alg}"`);
    }
  });

  test.each(['alg', 'typ'])('refuses a head whose %s is nested as deeply as fits', async (name) => {
    const deep = '['.repeat(11_000) + ']'.repeat(11_000);
    const head = name === 'alg' ? `{"alg":${deep}}` : `{"alg":"ES256","typ":${deep}}`;
    await expectRefused(`${base64url(head)}.${base64url(CLAIMS)}.AAAA`, name);
  });

  test('tells no more of a kid than fits a line', async () => {
    const token = await sign(
      CLAIMS,
      { alg: 'ES256', kid: 'k'.repeat(10_000) },
      signer('other').privateKey,
    );
    const set = () => jwks({ ...signer('ES256').jwk, kid: 'a' });
    const { why } = (await verdictOf(token, { set })) as { why: string };
    expect(why.length).toBeLessThan(400);
  });

  test('refuses HS256 with the public key for a secret', async () => {
    for (const name of ['RS256', 'ES256']) {
      const { publicKey, jwk } = signer(name);
      const texts = [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.n ?? jwk.x!];
      for (const text of texts) {
        const secret = new TextEncoder().encode(text);
        await expectRefused(await sign(CLAIMS, { alg: 'HS256' }, secret), 'alg "HS256"');
      }
    }
  });

  test('refuses a key that comes with the token', async () => {
    const { privateKey, jwk } = signer('other');
    for (const more of [{ jwk }, { jku: 'http://127.0.0.1:1/' }, { x5u: 'http://127.0.0.1:1/' }]) {
      await expectRefused(await sign(CLAIMS, { alg: 'ES256', ...more }, privateKey), 'signature');
    }
  });

  test.each(['../../etc/passwd', '/dev/null', "' or 1=1 --", '__proto__', 'constructor', ''])(
    'refuses the kid %j, which no key has',
    async (kid) => {
      const set = () => jwks({ ...signer('ES256').jwk, kid: 'k1' });
      await expectRefused(await sign(CLAIMS, { alg: 'ES256', kid }), 'not known', 'invalid', {
        set,
      });
    },
  );

  test.each([
    { crit: ['exp'], exp: 1 },
    { crit: ['x'], x: 1 },
    { crit: ['b64'], b64: true },
  ])('refuses crit: %j', async (head) => {
    await expectRefused(await sign(CLAIMS, { alg: 'ES256', ...head }), 'crit');
  });

  test.each(['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'JWS', '', 1])(
    'refuses the typ %j',
    async (typ) => {
      await expectRefused(await sign(CLAIMS, { alg: 'ES256', typ }), 'typ');
    },
  );

  test('refuses a token within a token', async () => {
    const inner = await sign(CLAIMS);
    await expectRefused(await sign(inner, { alg: 'ES256', cty: 'JWT' }), 'payload');
  });

  test.each(['"x"', '[]', 'null', '1', '{', ''])('refuses the payload %s', async (payload) => {
    await expectRefused(await sign(payload), 'payload');
  });

  test.each([' ', '\t', '=', ';', '+', 'é'])(
    'refuses a signature with "%s" in it',
    async (more) => {
      const token = await sign(CLAIMS);
      for (const text of [token + more, token.slice(0, -4) + more + token.slice(-4)]) {
        await expectRefused(text, 'no base64url');
      }
    },
  );

  test('refuses claims that are nested as deeply as fits', async () => {
    const nested = `${'['.repeat(11_000)}${']'.repeat(11_000)}`;
    const token = await sign(JSON.stringify(CLAIMS).replace('}', `,"x":${nested}}`));
    await expectRefused(token, 'nested');
    const few = { x: JSON.parse('['.repeat(50) + ']'.repeat(50)) };
    await expectLetIn(await sign({ ...CLAIMS, ...few }));
  });

  test('refuses a signature that is changed, cut, of another token or of another key', async () => {
    const token = await sign(CLAIMS);
    const [head, payload, signature] = token.split('.') as [string, string, string];
    const flipped = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
    const other = await sign({ ...CLAIMS, sub: 'bob' });
    await expectRefused(`${head}.${payload}.${flipped}`, 'signature');
    await expectRefused(`${head}.${payload}.${signature.slice(2)}`, 'signature');
    await expectRefused(`${head}.${other.split('.')[1]}.${signature}`, 'signature');
    await expectRefused(`${head}.${payload}.${base64url('\0'.repeat(64))}`, 'signature');
    const foreign = await sign(CLAIMS, { alg: 'ES256' }, signer('other').privateKey);
    await expectRefused(foreign, 'signature');
  });

  test('takes no key but for the algorithm and the use that it says', async () => {
    const { jwk } = signer('RS256');
    const token = await sign(CLAIMS, { alg: 'RS256' });
    const es = signer('ES256').jwk;
    await expectLetIn(token, { set: () => jwks({ ...jwk, alg: 'RS256', use: 'sig' }) });
    for (const said of [
      { alg: 'PS256' },
      { alg: 'RSA-OAEP' },
      { use: 'enc' },
      { key_ops: ['encrypt'] },
    ]) {
      await expectRefused(token, 'signature', 'invalid', {
        set: () => jwks({ ...jwk, ...said }, es),
      });
    }
  });

  test('tries each key that fits, those without kid for a token with one, too', async () => {
    const set = () => jwks(signer('other').jwk, signer('ES256').jwk);
    await expectLetIn(await sign(CLAIMS, { alg: 'ES256', kid: 'x' }), { set });
    await expectLetIn(await sign(CLAIMS), {
      set: () => jwks({ ...signer('other').jwk, kid: '1' }, { ...signer('ES256').jwk, kid: '2' }),
    });
  });

  test('takes no algorithm that JWT_ALGORITHMS does not name', async () => {
    await expectRefused(await sign(CLAIMS, { alg: 'RS256' }), 'alg "RS256"', 'invalid', {
      algorithms: ['ES256'],
    });
  });

  test('is unavailable before there are keys, but invalid where no key could help', async () => {
    const set = () => {
      throw new Error('down');
    };
    await expectRefused(await sign(CLAIMS), 'down', 'unavailable', { set });
    await expectRefused('x', 'three parts', 'invalid', { set });
  });

  test('asks for an unknown key once in 10 s, and refuses for now while no answer comes', async () => {
    let asked = 0;
    let isUp = true;
    const set = () => {
      asked++;
      if (!isUp) throw new Error('down');
      return jwks({ ...signer('ES256').jwk, kid: 'k1' });
    };
    const tokens = await tokensOf({ set });
    expect(asked).toBe(1);
    const unknown = await sign(CLAIMS, { alg: 'ES256', kid: 'k2' }, signer('other').privateKey);
    for (let i = 0; i < 5; i++) {
      expect(await tokens.verify(unknown)).toMatchObject({ refusal: 'invalid' });
    }
    expect(asked).toBe(1);
    isUp = false;
    await (tokens.keys as unknown as { run(signal: AbortSignal): Promise<void> }).run(
      AbortSignal.timeout(1),
    );
    expect(asked).toBe(2);
    expect(await tokens.verify(unknown)).toMatchObject({ refusal: 'unavailable' });
    const known = await sign(CLAIMS, { alg: 'ES256', kid: 'k1' });
    expect(await tokens.verify(known)).toMatchObject({ claims: { sub: 'alice' } });
  });

  test('refuses tokens of a key that is gone, also those that it knew', async () => {
    let name = 'ES256';
    const tokens = await tokensOf({ set: () => jwks(signer(name).jwk) });
    const token = await sign(CLAIMS);
    expect(isKnown(await tokens.verify(token))).toBe(true);
    name = 'other';
    await tokens.keys.run(AbortSignal.timeout(1));
    expect(await tokens.verify(token)).toMatchObject({ refusal: 'invalid' });
  });

  test('answers at once for a token that it knows, until it is over', async () => {
    let now = NOW;
    const tokens = await tokensOf({ now: () => now });
    const token = await sign(CLAIMS);
    const first = await tokens.verify(token);
    expect(tokens.verify(token)).toBe(first);
    now = CLAIMS.exp * 1000;
    expect(tokens.verify(token)).toMatchObject({ refusal: 'expired' });
    expect(await tokens.verify(token)).toMatchObject({ refusal: 'expired' });
  });

  test('takes a claim that is null for none, wherever it stands', async () => {
    const payload = JSON.stringify({
      ...CLAIMS,
      none: null,
      deep: { none: null, some: 1 },
      list: [null, 1],
      scope: 'a  b',
    }).replace('"sub"', '"__proto__":{"x":1},"sub"');
    const verdict = await verdictOf(await sign(payload));
    expect(verdict).toMatchObject({ scopes: ['a', 'b'] });
    const { claims } = verdict as { claims: Record<string, unknown> };
    expect(Object.keys(claims)).not.toContain('none');
    expect(claims['deep']).toEqual({ some: 1 });
    expect(claims['list']).toEqual([1]);
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
    expect(Object.hasOwn(claims, '__proto__')).toBe(true);
  });

  test.each([
    [{ scp: 'a b' }, ['a', 'b']],
    [{ scp: ['a', 1, 'b c'] }, ['a', 'b c']],
    [{ scope: 'a', scp: 'b' }, ['a']],
    [{ scope: 1 }, []],
    [{ scope: null, scp: ['b'] }, ['b']],
    [{}, []],
  ])('reads the scopes of %j', async (claims, scopes) => {
    expect(await verdictOf(await sign({ ...CLAIMS, ...claims }))).toMatchObject({ scopes });
  });
});

describe('readKeySet()', () => {
  test.each([
    ['', 'no JSON'],
    ['<html>', 'no JSON'],
    ['null', 'no list'],
    ['[]', 'no list'],
    ['{"keys":{}}', 'no list'],
    ['{"keys":[]}', 'no key in it that can verify'],
    ['{"keys":[null,1,"x"]}', 'no key in it that can verify'],
    ['{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}', 'no key'],
    ['{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}', 'no key'],
    ['{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}', 'no key'],
    ['{"keys":[{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}]}', 'no key'],
  ])('takes %s for no answer', async (text, why) => {
    await expect(readKeySet(text, ASYMMETRIC)).rejects.toThrow(why);
  });

  test('verifies with a key that came with its private part', async () => {
    const { privateKey } = signer('ES256');
    await expectLetIn(await sign(CLAIMS), { set: async () => jwks(await exportJWK(privateKey)) });
  });
});

describe('readKeyFile()', () => {
  test.each(ASYMMETRIC)('reads a public key of %s in PEM', async (alg) => {
    const pem = `some words\n${await exportSPKI(signer(alg).publicKey)}`;
    await expectLetIn(await sign(CLAIMS, { alg }), { set: () => readKeyFile(pem, ASYMMETRIC) });
  });

  test('takes a private key in PEM for none', async () => {
    const pem = await exportPKCS8(signer('ES256').privateKey);
    await expect(readKeyFile(pem, ASYMMETRIC)).rejects.toThrow('no key in it');
  });
});
