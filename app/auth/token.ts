/**
 * What a JSON Web Token (RFC 7519, in the compact form of RFC 7515) has to say, beside its signature.
 *
 * @module
 */

import type { Claims, SignInRefusal } from './identity.ts';

/** Of a token's head only these count. */
export interface TokenHead {
  readonly algorithm: string;
  readonly kid: string | null;
}

/** Why a token is none; `why` is for the log. */
export class TokenError extends Error {
  readonly refusal: SignInRefusal;

  constructor(why: string, refusal: SignInRefusal = 'invalid') {
    super(why);
    this.name = 'TokenError';
    this.refusal = refusal;
  }
}

/** What a token has to say of itself. */
export interface Expected {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/** As long as a request's head may be. */
const MAX_LENGTH = 32 * 1024;
const TYPES = ['jwt', 'at+jwt'];
/** Clocks differ: for `nbf` and `iat`, never for `exp`. */
const TOLERANCE_SECONDS = 30;
/** Beyond it a number of seconds is one of milliseconds. */
const MAX_SECONDS = 1e11;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The head of a token, before its signature is looked at.
 * @throws TokenError
 */
export function readHead(token: string, algorithms: readonly string[]): TokenHead {
  const parts = token.split('.');
  if (token.length > MAX_LENGTH) throw new TokenError(`more than ${MAX_LENGTH} characters`);
  if (parts.length !== 3) throw new TokenError('not signed: three parts with dots between');
  // Whoever decodes it may pass over white space: the same token would have many texts.
  if (!/^[\w-]*$/.test(parts[2]!)) throw new TokenError('its signature is no base64url');
  const { alg, kid, typ, crit } = jsonOf(parts[0]!, 'its head');
  if (crit !== undefined) throw new TokenError('its head has crit');
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw new TokenError(`alg ${shown(alg)}, expected ${algorithms.join(' or ')}`);
  }
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (type !== undefined && !TYPES.includes(type as string)) {
    throw new TokenError(`typ ${shown(typ)}, expected JWT, at+jwt or none`);
  }
  if (kid !== undefined && typeof kid !== 'string') throw new TokenError('kid is no text');
  return { algorithm: alg, kid: kid ?? null };
}

/** The payload of a token: trusted only once its signature was verified. */
export function readPayload(token: string): Claims {
  return jsonOf(token.split('.')[1]!, 'its payload');
}

/**
 * Holds the claims of a verified token against what they have to be.
 * @returns until when it counts, Unix milliseconds
 * @throws TokenError
 */
export function checkClaims(claims: Claims, expected: Expected, nowMs: number): number {
  const { issuer, audiences } = expected;
  if (claims['iss'] !== issuer) {
    throw new TokenError(`iss ${shown(claims['iss'])}, expected ${shown(issuer)}`);
  }
  const audience = claims['aud'] ?? claims['client_id'];
  const named = Array.isArray(audience) ? audience : [audience];
  if (!audiences.some((each) => named.includes(each))) {
    throw new TokenError(`aud ${shown(audience)}, expected ${audiences.map(shown).join(' or ')}`);
  }
  if (claims['cnf'] !== undefined)
    throw new TokenError('cnf: bound to a key that is not asked for');
  const exp = secondsOf(claims, 'exp');
  if (exp === null) throw new TokenError('no exp');
  if (exp > MAX_SECONDS) throw new TokenError('exp is no time in seconds');
  const now = nowMs / 1000;
  if (exp <= now) throw new TokenError(`exp was ${Math.ceil(now - exp)} s ago`, 'expired');
  for (const name of ['nbf', 'iat'] as const) {
    const from = secondsOf(claims, name);
    if (from !== null && from > now + TOLERANCE_SECONDS) {
      throw new TokenError(`${name} is ${Math.ceil(from - now)} s ahead`);
    }
  }
  return exp * 1000;
}

/** Whether a token whose signature is not verified says itself that it is over. */
export function saysExpired(token: string, nowMs: number): boolean {
  try {
    const { exp } = readPayload(token);
    return typeof exp === 'number' && exp * 1000 <= nowMs;
  } catch {
    return false;
  }
}

function secondsOf(claims: Claims, name: string): number | null {
  const value = claims[name];
  if (value === undefined) return null;
  if (typeof value === 'number') return value;
  throw new TokenError(`${name} is no number`);
}

function jsonOf(part: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytesOf(part)));
  } catch {
    throw new TokenError(`${what} is no JSON in base64url`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TokenError(`${what} is no JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function bytesOf(base64url: string): Uint8Array {
  if (!/^[\w-]*$/.test(base64url)) throw new Error('another character');
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** Whatever a stranger wrote there, short and on one line. */
export function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? 'none';
  } catch {
    // What was parsed may be nested more deeply than can be written.
    return 'something nested too deeply';
  }
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
