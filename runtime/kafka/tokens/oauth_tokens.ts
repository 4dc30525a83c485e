import { Buffer } from 'node:buffer';
import type { Files } from '../../../app/ports/files.ts';
import type { WebAnswer, WebQuestion } from '../../../app/ports/web.ts';
import type { Token } from './token_source.ts';

const TIMEOUT_MS = 4000;
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_TOKEN_BYTES = 64 * 1024;
/** Of a token that does not tell when it is over: RFC 6749 leaves that open. */
const UNKNOWN_LIFE_MS = 60_000;
/** https://www.rfc-editor.org/rfc/rfc7523#section-2.2 */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Asks over HTTP with a body. */
export interface Poster {
  post(url: string, body: string, question: WebQuestion): Promise<WebAnswer>;
}

/** A client that asks for tokens in its own name (RFC 6749, 4.4). */
export interface ClientCredentials {
  readonly url: string;
  readonly clientId: string;
  readonly secret: string | null;
  /** A JWT that stands for the secret; read each time. */
  readonly assertionFile: string | null;
  /** What goes with it, as `scope`. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** @throws Error that says in words why there is none. */
export async function askToken(
  web: Poster,
  files: Files,
  { url, clientId, secret, assertionFile, parameters }: ClientCredentials,
): Promise<Token> {
  const body = new URLSearchParams([
    ['grant_type', 'client_credentials'],
    ['client_id', clientId],
    ...(secret === null ? [] : [['client_secret', secret]]),
    ...parameters.map(([name, value]) => [name, value]),
  ]);
  if (assertionFile !== null) {
    body.set('client_assertion_type', ASSERTION_TYPE);
    body.set('client_assertion', await readToken(files, assertionFile));
  }
  const asked = Date.now();
  const answer = await web.post(url, `${body}`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  });
  const said = jsonOf(Buffer.from(answer.body).toString('utf8'));
  const { access_token: value, expires_in: lasts } = said;
  if (answer.status !== 200 || typeof value !== 'string') {
    throw new Error(`KAFKA_OAUTH_TOKEN_URL answers ${answer.status}${reasonOf(said)}`);
  }
  assertToken(value);
  const seconds = Number(lasts ?? Number.NaN);
  const expiresAt = seconds > 0 ? asked + seconds * 1000 : expiryOf(value);
  return { value, expiresAt: expiresAt ?? asked + UNKNOWN_LIFE_MS };
}

/**
 * A token that something else keeps fresh.
 * @throws Error that says in words why there is none.
 */
export async function tokenOfFile(files: Files, file: string): Promise<Token> {
  const value = await readToken(files, file);
  const expiresAt = expiryOf(value) ?? Date.now() + UNKNOWN_LIFE_MS;
  if (expiresAt > Date.now()) return { value, expiresAt };
  throw new Error(`the one in ${file} is over: see that what keeps it fresh runs`);
}

async function readToken(files: Files, file: string): Promise<string> {
  const value = Buffer.from(await files.read(file, MAX_TOKEN_BYTES))
    .toString('utf8')
    .trim();
  if (value === '') throw new Error(`${file} is empty`);
  assertToken(value);
  return value;
}

/** On the wire it stands between signs that it must not hold. */
function assertToken(value: string): void {
  if (!/^[\x21-\x7e]+$/.test(value)) throw new Error('what should be a token holds odd characters');
}

/** What a JWT says of its end, in Unix milliseconds; `null` where it says nothing, or is none. */
export function expiryOf(token: string): number | null {
  const { exp } = jsonOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return typeof exp === 'number' ? exp * 1000 : null;
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function reasonOf({ error, error_description: description }: Said): string {
  const words = [error, description].filter((one) => typeof one === 'string');
  return words.length === 0 ? '' : ` (${words.join(': ').slice(0, 200)})`;
}

type Said = Readonly<Record<string, unknown>>;

function jsonOf(text: string): Said {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Said) : {};
  } catch {
    return {};
  }
}
