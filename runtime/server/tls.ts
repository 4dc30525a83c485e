/**
 * The certificate that HTTPS is served with.
 *
 * @module
 */

import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../app/config/config.ts';
import { GatewayError } from '../../app/errors.ts';
import { leafOf, type Pair, readPem } from '../process/pem.ts';

const DAY_MS = 86_400_000;
/**
 * A browser's EventSource that meets another certificate gives up for good, so it is kept as long
 * as can be. Apple's systems refuse more than 825 days, trusted by the user or not
 * (https://support.apple.com/103769).
 */
const VALID_DAYS = 824;
const RENEW_DAYS = 7;

/**
 * The certificate of `TLS_CERT_FILE` and `TLS_KEY_FILE`, else a self-signed one for `localhost`
 * that is made once and kept in `<dataDir>/tls`.
 * @throws GatewayError `CERTIFICATE` where it cannot be read or kept.
 */
export async function loadCertificate(
  config: Pick<Config, 'tlsCertFile' | 'tlsKeyFile'>,
  dataDir: string,
): Promise<Pair> {
  const { tlsCertFile, tlsKeyFile } = config;
  if (tlsCertFile !== null && tlsKeyFile !== null) {
    return readPair(tlsCertFile, tlsKeyFile);
  }
  const folder = join(dataDir, 'tls');
  try {
    return await keptCertificate(folder);
  } catch (cause) {
    const message =
      `cannot keep a certificate in ${folder} (${(cause as Error).message}): make it writable, ` +
      'or set TLS_CERT_FILE and TLS_KEY_FILE, or HTTPS_PORT=0';
    throw new GatewayError('CERTIFICATE', message, { cause });
  }
}

function readPair(certFile: string, keyFile: string): Pair {
  let pair: Pair;
  try {
    pair = { cert: readPem(certFile), key: readPem(keyFile) };
  } catch (cause) {
    const message = `cannot read TLS_CERT_FILE or TLS_KEY_FILE: ${(cause as Error).message}`;
    throw new GatewayError('CERTIFICATE', message, { cause });
  }
  if (leafOf(pair) !== null) return pair;
  const message = 'TLS_KEY_FILE does not hold the key of the first certificate in TLS_CERT_FILE';
  throw new GatewayError('CERTIFICATE', message);
}

/**
 * Pairs lie in folders named 1, 2, ...; the first good one is used. A folder appears whole, by a
 * rename, and is never changed: gateways that start at once all find the same one, without a lock,
 * also when an old pair has to be replaced.
 */
async function keptCertificate(folder: string): Promise<Pair> {
  await mkdir(folder, { recursive: true });
  for (let number = 1; ; ) {
    const place = join(folder, String(number));
    if (await exists(place)) {
      const kept = await readGood(place);
      if (kept !== null) return kept;
      number += 1;
    } else {
      const made = await makeCertificate();
      if (await put(made, folder, place)) return made;
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** The pair in a folder, `null` unless it is whole and valid for some time. */
async function readGood(place: string): Promise<Pair | null> {
  try {
    const cert = await readFile(join(place, 'cert.pem'), 'utf8');
    const key = await readFile(join(place, 'key.pem'), 'utf8');
    const leaf = leafOf({ cert, key });
    if (leaf === null) return null;
    const now = Date.now();
    const isValid =
      Date.parse(leaf.validFrom) <= now && now < Date.parse(leaf.validTo) - RENEW_DAYS * DAY_MS;
    return isValid ? { cert, key } : null;
  } catch {
    return null;
  }
}

/** P-256: every browser takes it, and a handshake costs less than with RSA. */
async function makeCertificate(): Promise<Pair> {
  // Not at each start: its import costs 0.1 s of a processor, and a pair is made once.
  const { generate } = await import('selfsigned');
  const now = Date.now();
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS), // for clocks that are behind, as in a container
    notAfterDate: new Date(now + (VALID_DAYS - 1) * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** Puts the pair at its place; false where another gateway was faster. */
async function put(pair: Pair, folder: string, place: string): Promise<boolean> {
  const temporary = await mkdtemp(join(folder, 'new-'));
  try {
    await writeFile(join(temporary, 'key.pem'), pair.key, { mode: 0o600 });
    await writeFile(join(temporary, 'cert.pem'), pair.cert);
    await rename(temporary, place);
    return true;
  } catch (error) {
    if (await exists(place)) return false;
    throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
