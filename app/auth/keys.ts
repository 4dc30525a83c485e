/**
 * Keys that tokens are verified with: what of a JSON Web Key Set (RFC 7517) or of a PEM file can be
 * used, and which key fits which token.
 *
 * @module
 */

import { type CryptoKey, exportJWK, importJWK, importSPKI, importX509, type JWK } from 'jose';

/** A key for one algorithm. */
export interface VerifyKey {
  readonly algorithm: string;
  readonly kid: string | null;
  readonly key: CryptoKey | Uint8Array;
}

/** Keys of one answer, and what it was: another text is another answer. */
export interface KeySet {
  readonly keys: readonly VerifyKey[];
  readonly text: string;
}

/** Public members alone: with a private one in it, a key would sign and not verify. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};
const MIN_RSA_BITS = 2048;
/** Characters of each coordinate: Deno takes others, and verifies nothing with them. */
const COORDINATE_LENGTH: Readonly<Record<string, number>> = {
  'P-256': 43,
  'P-384': 64,
  Ed25519: 43,
};

/**
 * The keys of a set that can verify by one of the algorithms.
 * @throws an error in words where there is none.
 */
export async function readKeySet(text: string, algorithms: readonly string[]): Promise<KeySet> {
  return keySetOf(text, jwksOf(text), algorithms);
}

/**
 * As `readKeySet`, of a file, which may hold public keys or certificates in PEM as well.
 * @throws an error in words where there is none.
 */
export async function readKeyFile(text: string, algorithms: readonly string[]): Promise<KeySet> {
  const jwks = text.includes('-----BEGIN') ? await pemKeys(text, algorithms) : jwksOf(text);
  return keySetOf(text, jwks, algorithms);
}

async function keySetOf(
  text: string,
  jwks: readonly JWK[],
  algorithms: readonly string[],
): Promise<KeySet> {
  const keys: VerifyKey[] = [];
  for (const jwk of jwks) {
    for (const algorithm of algorithms) {
      if (!fits(jwk, algorithm)) continue;
      const key = await importPublic(jwk, algorithm);
      const kid = typeof jwk.kid === 'string' ? jwk.kid : null;
      if (key !== null) keys.push({ algorithm, kid, key });
    }
  }
  if (keys.length === 0) throw new Error(`no key in it that can verify (${algorithms.join(', ')})`);
  return { keys, text };
}

/** A secret that both sides know; of algorithms that it is long enough for. */
export function secretKeys(secret: Uint8Array, algorithms: readonly string[]): KeySet {
  const keys = algorithms.map((algorithm) => ({ algorithm, kid: null, key: secret }));
  return { keys, text: secret.join() };
}

/** Those that may have signed: by algorithm, and by `kid` where both have one. */
export function keysFor(
  { keys }: KeySet,
  algorithm: string,
  kid: string | null,
): readonly VerifyKey[] {
  return keys.filter(
    (key) => key.algorithm === algorithm && (kid === null || key.kid === null || key.kid === kid),
  );
}

function jwksOf(text: string): readonly JWK[] {
  let parsed: { keys?: unknown } | null;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('no JSON');
  }
  const keys = parsed?.keys;
  if (!Array.isArray(keys)) throw new Error('no list "keys" in it');
  return keys.filter((key) => typeof key === 'object' && key !== null);
}

/** No key but for the algorithm and the use that it says. */
function fits(jwk: JWK, algorithm: string): boolean {
  if (jwk.alg !== undefined && jwk.alg !== algorithm && jwk.alg !== alias(algorithm)) return false;
  if (jwk.use !== undefined && jwk.use !== 'sig') return false;
  if (jwk.key_ops !== undefined) {
    if (!Array.isArray(jwk.key_ops) || !jwk.key_ops.includes('verify')) return false;
  }
  switch (algorithm) {
    case 'ES256':
      return jwk.kty === 'EC' && jwk.crv === 'P-256';
    case 'ES384':
      return jwk.kty === 'EC' && jwk.crv === 'P-384';
    case 'EdDSA':
      return jwk.kty === 'OKP' && jwk.crv === 'Ed25519';
    default:
      return jwk.kty === 'RSA';
  }
}

/** RFC 9864 calls it by its curve. */
function alias(algorithm: string): string {
  return algorithm === 'EdDSA' ? 'Ed25519' : algorithm;
}

async function importPublic(jwk: JWK, algorithm: string): Promise<CryptoKey | null> {
  const members = PUBLIC_MEMBERS[jwk.kty ?? ''] ?? [];
  const known = jwk as Readonly<Record<string, unknown>>;
  const coordinates = [jwk.x, jwk.kty === 'EC' ? jwk.y : jwk.x];
  const length = COORDINATE_LENGTH[jwk.crv ?? ''];
  if (jwk.kty !== 'RSA' && coordinates.some((text) => text?.length !== length)) return null;
  const own = Object.fromEntries(members.map((name) => [name, base64url(known[name])])) as JWK;
  try {
    const key = (await importJWK(own, algorithm)) as CryptoKey;
    const { modulusLength } = key.algorithm as { modulusLength?: number };
    return modulusLength !== undefined && modulusLength < MIN_RSA_BITS ? null : key;
  } catch {
    return null;
  }
}

/** Some write numbers in the other alphabet and with padding, which Deno refuses and Node does not. */
function base64url(member: unknown): unknown {
  if (typeof member !== 'string') return member;
  return member.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

const PEM_BLOCK = /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----.+?-----END \1-----/gs;

/** Which algorithm a block is for is in no PEM: whatever takes it. */
async function pemKeys(text: string, algorithms: readonly string[]): Promise<JWK[]> {
  const keys: JWK[] = [];
  for (const [block, kind] of text.matchAll(PEM_BLOCK)) {
    const importPem = kind === 'CERTIFICATE' ? importX509 : importSPKI;
    for (const algorithm of algorithms) {
      const key = await importPem(block, algorithm, { extractable: true }).catch(() => null);
      if (key === null) continue;
      const { alg: _, ...jwk } = await exportJWK(key);
      keys.push(jwk);
      break;
    }
  }
  return keys;
}
