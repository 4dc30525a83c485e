/**
 * Where the keys of tokens come from: an address, what the issuer says of itself, a file, a secret.
 *
 * @module
 */

import { isSecretAlgorithm, SECRET_BYTES } from '../config/token_algorithms.ts';
import type { Files } from '../ports/files.ts';
import type { Web } from '../ports/web.ts';
import type { KeySource } from './key_ring.ts';
import { readKeyFile, readKeySet, secretKeys } from './keys.ts';

const EVERY_MS = 600_000;
/** To look into a file costs next to nothing. */
const FILE_EVERY_MS = 5000;
const QUESTION = {
  headers: { accept: 'application/json' },
  timeoutMs: 5000,
  maxBytes: 2 ** 20,
} as const;

const decoder = new TextDecoder();

/** By `JWT_JWKS_URL`. */
export function keysByUrl(web: Web, url: string, algorithms: readonly string[]): KeySource {
  return {
    name: url,
    everyMs: EVERY_MS,
    load: async () => readKeySet(await textOf(web, url), algorithms),
  };
}

/** By OpenID Connect Discovery, where no other source is named. */
export function keysByDiscovery(
  web: Web,
  issuer: string,
  algorithms: readonly string[],
): KeySource {
  const name = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return {
    name,
    everyMs: EVERY_MS,
    load: async () => {
      const { issuer: named, jwks_uri: url } = JSON.parse(await textOf(web, name)) ?? {};
      if (named !== issuer) {
        throw new Error(`it names the issuer ${JSON.stringify(named)}, JWT_ISSUER is ${issuer}`);
      }
      if (typeof url !== 'string' || !/^https?:\/\//.test(url))
        throw new Error('no jwks_uri in it');
      return readKeySet(await textOf(web, url), algorithms);
    },
  };
}

/** By `JWT_KEYS_FILE`. */
export function keysByFile(files: Files, file: string, algorithms: readonly string[]): KeySource {
  return {
    name: file,
    everyMs: FILE_EVERY_MS,
    load: async () =>
      readKeyFile(decoder.decode(await files.read(file, QUESTION.maxBytes)), algorithms),
  };
}

/** By `JWT_SECRET_FILE`. */
export function keysBySecret(files: Files, file: string, algorithms: readonly string[]): KeySource {
  return {
    name: file,
    everyMs: FILE_EVERY_MS,
    load: async () => {
      const secret = withoutLineEnd(await files.read(file, QUESTION.maxBytes));
      return secretKeys(secret, longEnough(secret, algorithms));
    },
  };
}

/** What whatever wrote a secret left behind it. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}

function longEnough({ length }: Uint8Array, algorithms: readonly string[]): readonly string[] {
  const taken = algorithms.filter(
    (name) => isSecretAlgorithm(name) && length >= SECRET_BYTES[name],
  );
  if (taken.length > 0) return taken;
  throw new Error(`${length} bytes are too short a secret for ${algorithms.join(', ')}`);
}

async function textOf(web: Web, url: string): Promise<string> {
  const { status, body } = await web.get(url, QUESTION);
  if (status !== 200) throw new Error(`status ${status} of ${url}`);
  return decoder.decode(body);
}
