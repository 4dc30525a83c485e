/**
 * Certificates and keys as PEM text, on Node and Deno.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The text of a PEM file, without the byte order marks that some editors put in front: Deno's TLS
 * finds no certificate behind one, Node's does.
 * @throws the system's error where it cannot be read.
 */
export function readPem(file: string): string {
  return readFileSync(file, 'utf8').replaceAll('\ufeff', '');
}

// Blocks are cut out first: a file may hold certificate and key, text between them, or EC
// PARAMETERS, and neither runtime looks past the first block.
const CERTIFICATE = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;
const PRIVATE_KEY = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----.+?-----END \1-----/s;

/** The certificates in their order, `null` where there is none or one cannot be read. */
export function parseCertificates(pem: string): [X509Certificate, ...X509Certificate[]] | null {
  try {
    const [first, ...rest] = (pem.match(CERTIFICATE) ?? []).map(
      (block) => new X509Certificate(block),
    );
    return first === undefined ? null : [first, ...rest];
  } catch {
    return null;
  }
}

/** The first private key that has no passphrase, `null` where there is none. */
export function parsePrivateKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(PRIVATE_KEY.exec(pem)?.[0] ?? '');
  } catch {
    return null;
  }
}

/** A certificate (with its chain) and its key, PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** The first certificate, `null` where there is none or the key is not its own. */
export function leafOf({ cert, key }: Pair): X509Certificate | null {
  const [leaf] = parseCertificates(cert) ?? [];
  const privateKey = parsePrivateKey(key);
  if (leaf === undefined || privateKey === null) return null;
  return leaf.checkPrivateKey(privateKey) ? leaf : null;
}

/** When the first certificate ends, in seconds of Unix time; `null` where there is none. */
export function expiryOf(pem: string): number | null {
  const [leaf] = parseCertificates(pem) ?? [];
  return leaf === undefined ? null : Date.parse(leaf.validTo) / 1000;
}
