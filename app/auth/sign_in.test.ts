import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { Logged } from '../../test/support/logged.ts';
import { parseConfig } from '../config/config.ts';
import { SignIn } from './sign_in.ts';

const SECRET = new TextEncoder().encode('s'.repeat(32));
const PORTS = {
  web: { get: () => Promise.reject(new Error('nothing is asked')) },
  files: { read: async () => SECRET },
};

beforeEach(() => {
  jest.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => {
  jest.useRealTimers();
});

async function signIn(): Promise<SignIn> {
  const config = parseConfig({
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: 'gateway',
    JWT_SECRET_FILE: 'secret',
    REQUIRE: '"read" in scopes',
  });
  const made = SignIn.create(config, PORTS)!;
  void made.authority.run(AbortSignal.abort());
  const end = new AbortController();
  void made.authority.run(end.signal);
  await jest.advanceTimersByTimeAsync(0);
  end.abort();
  return made;
}

async function asked(claims: object, signer: Uint8Array = SECRET) {
  const token = await new SignJWT({ iss: 'https://issuer.example', aud: 'gateway', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(signer);
  const headers = { authorization: `Bearer ${token}` };
  return {
    token,
    asked: { request: new Request('https://g.example/t', { headers }), address: '' },
  };
}

const WANTED = { topic: 't', right: null, params: {} };

describe('SignIn.admit()', () => {
  test('logs once a minute for each reason what was expected and found, and no token', async () => {
    using logged = new Logged();
    const made = await signIn();
    const foreign = await asked({ iss: 'https://evil.example' });
    const other = await asked({ aud: 'other' });
    const poor = await asked({ scope: 'write' });
    for (let time = 0; time < 3; time++) {
      for (const each of [foreign, other, poor]) await made.admit(each.asked, [WANTED]);
      await made.admit({ request: new Request('https://g.example/t'), address: '' }, [WANTED]);
    }
    const refused = () => logged.lines.filter((line) => line.includes('not let in'));
    expect(refused()).toEqual([
      'warning Somebody is not let in, invalid: iss "https://evil.example", expected ' +
        '"https://issuer.example" (told once a minute)',
      'warning Somebody is not let in, forbidden: t asks for a right that does not hold (told once a minute)',
    ]);
    jest.advanceTimersByTime(60_000);
    await made.admit(other.asked, [WANTED]);
    expect(refused()[2]).toContain('aud "other", expected "gateway"');
    for (const { token } of [foreign, other, poor])
      expect(logged.lines.join()).not.toContain(token);
    const counts = { ok: 0, missing: 3, expired: 0, invalid: 7, forbidden: 3, unavailable: 0 };
    expect(made.counts).toEqual(counts);
  });

  test('asks for a right only of whoever wants a stream', async () => {
    const made = await signIn();
    const poor = await asked({ scope: 'write' });
    expect(await made.admit(poor.asked, [])).toMatchObject({ scopes: ['write'] });
    const rich = await asked({ scope: 'read' });
    expect(await made.admit(rich.asked, [WANTED])).toMatchObject({ scopes: ['read'] });
    expect(made.counts).toMatchObject({ ok: 2 });
  });
});
