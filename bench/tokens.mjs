/**
 * What the token of a reconnect costs a gateway, beside its stream: one that is known by its text, and one
 * that is verified, after `npm run build`:
 *
 *     node bench/tokens.mjs
 *     deno run --allow-env bench/tokens.mjs
 *
 * @module
 */
import process from 'node:process';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { loadBuilt } from './built.mjs';

const { SignIn } = await loadBuilt('app/auth/sign_in.js');

const ISSUER = 'https://issuer.example';
const KNOWN = 1000;
const ROUNDS = 5;
const ASKED = 200_000;

for (const alg of ['ES256', 'RS256']) {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg }] });
  const body = new TextEncoder().encode(keys);
  const settings = {
    jwtIssuer: ISSUER,
    jwtAudience: ['gateway'],
    jwtJwksUrl: `${ISSUER}/keys`,
    jwtKeysFile: null,
    jwtSecretFile: null,
    jwtAlgorithms: null,
    jwtCookie: null,
    jwtQuery: false,
    signInUrl: null,
    require: '"orders:read" in scopes',
  };
  const signIn = SignIn.create(settings, {
    web: { get: async () => ({ status: 200, headers: new Headers(), body }) },
    files: { read: () => Promise.reject(new Error('there is none')) },
  });
  const end = new AbortController();
  void signIn?.authority.run(end.signal);
  while (signIn?.authority.missing !== null) await new Promise((resolve) => setTimeout(resolve));
  const requests = await Promise.all(
    Array.from({ length: KNOWN }, async (_, number) => {
      const claims = { iss: ISSUER, aud: 'gateway', sub: `user ${number}`, scope: 'orders:read' };
      const token = await new SignJWT({ ...claims, groups: Array(20).fill('a group of theirs') })
        .setProtectedHeader({ alg, kid: '1' })
        .setExpirationTime('1h')
        .sign(privateKey);
      const headers = { authorization: `Bearer ${token}` };
      return new Request('http://localhost/orders', { headers });
    }),
  );
  const wanted = [{ topic: 'orders', right: null, params: {} }];
  /** @param {number} count @returns microseconds of a processor, each */
  const measure = async (count) => {
    const before = process.cpuUsage();
    for (let asked = 0; asked < count; asked++) {
      const request = requests[asked % KNOWN];
      const verdict = await signIn.admit({ request, address: '192.0.2.1' }, wanted);
      if (!('claims' in verdict)) throw new Error(verdict.why);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  const verified = await measure(KNOWN);
  const known = [];
  for (let round = 0; round < ROUNDS; round++) known.push(await measure(ASKED));
  const [least, most] = [Math.min(...known), Math.max(...known)].map((one) => one.toFixed(2));
  console.log(`${alg}: verified ${verified.toFixed(0)} µs; known ${least} to ${most} µs`);
  end.abort();
}
