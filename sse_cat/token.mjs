import { readFileSync } from 'node:fs';

/** There is no token to be sent; the message says why. */
export class NoToken extends Error {
  /** @override */
  name = 'NoToken';
}

/**
 * The bearer token that stands in a file, alone.
 *
 * @param {string} file
 * @throws {NoToken}
 */
export function readToken(file) {
  let text = '';
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new NoToken(
      `--token-file ${file} cannot be read: ${/** @type {Error} */ (error).message}`,
    );
  }
  // The text stays out of the message: it is a secret.
  if (!/^[\x21-\x7e]+$/.test(text)) throw new NoToken(`--token-file ${file} has no token alone`);
  return text;
}
