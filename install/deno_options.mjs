import { dirname } from 'node:path';
import { root } from './clone.mjs';

/** Settings that name files. These may lie anywhere, so deno.json cannot list them. */
const FILE_SETTINGS = [
  'KAFKA_CA_FILE',
  'KAFKA_CERT_FILE',
  'KAFKA_KEY_FILE',
  'KAFKA_OAUTH_ASSERTION_FILE',
  'KAFKA_OAUTH_TOKEN_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'JWT_KEYS_FILE',
  'JWT_SECRET_FILE',
  'CA_FILE',
  'STREAMS_FILE',
  'ADMIN_TOKEN_FILE',
];

/**
 * The options of `deno run` that give the gateway the permissions it needs with these settings, and
 * no more; quoted for a shell.
 *
 * @param {Readonly<Record<string, string | undefined>>} settings
 */
export function denoOptions(settings) {
  const files = FILE_SETTINGS.flatMap((name) => settings[name] ?? []);
  return [
    `--permission-set=${settings['KAFKA_BROKERS'] ? 'gateway' : 'gateway-and-kafka'}`,
    // Takes the place of what the set says of reading.
    ...(files.length === 0 ? [] : [quoted(`--allow-read=${[root, ...files].map(listed).join()}`)]),
  ].join(' ');
}

/**
 * A list of paths cannot name one with a comma: the folder above it stands for it.
 *
 * @param {string} path
 */
function listed(path) {
  const comma = path.indexOf(',');
  return comma === -1 ? path : dirname(path.slice(0, comma));
}

/** @param {string} word */
function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
