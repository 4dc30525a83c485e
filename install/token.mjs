/**
 * Prints a token to try the sign-in with, of a key that is made for this clone at the first call:
 *
 *     npm run --silent token -- --sub alice [--scope 'orders:read'] [--seconds 3600]
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { root } from './clone.mjs';

const ALGORITHM = 'ES256';
/** What JWT_ISSUER and JWT_AUDIENCE have to be. */
const ISSUER = 'this-clone';
const AUDIENCE = 'gateway';

/**
 * @param {string[]} args
 * @param {string} folder of the keys: `private.json` stays here, `keys.json` is for JWT_KEYS_FILE
 * @returns {Promise<string>} the token
 */
export async function makeToken(args, folder) {
  const { values } = parseArgs({
    args,
    options: {
      sub: { type: 'string', default: 'alice' },
      scope: { type: 'string', default: '' },
      seconds: { type: 'string', default: '3600' },
    },
  });
  const { sub, scope, seconds } = values;
  if (!/^[1-9]\d{0,8}$/.test(seconds))
    throw new Error('--seconds takes a number from 1 on: for how long the token holds');
  const key = await keyOf(folder);
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub, ...(scope === '' ? {} : { scope }) })
    .setProtectedHeader({ alg: ALGORITHM })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(now + Number(seconds))
    .sign(await importJWK(key, ALGORITHM));
}

/**
 * @param {string} folder
 * @returns {Promise<import('jose').JWK>}
 */
async function keyOf(folder) {
  const file = join(folder, 'private.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const [key, known] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(key), { mode: 0o600, flag: 'wx' });
  writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [known] }));
  return key;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(await makeToken(process.argv.slice(2), join(root, '.data', 'sign_in')));
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 2;
  }
}
