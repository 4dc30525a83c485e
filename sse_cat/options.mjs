import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NoToken, readToken } from './token.mjs';

/**
 * What the command line asks for.
 *
 * @typedef {object} Options
 * @property {readonly URL[]} urls
 * @property {ReadonlySet<string> | null} events names that are printed; `null` for all
 * @property {Headers} headers
 *   Sent with each request; a `last-event-id` among them is where the streams start.
 * @property {string | undefined} tokenFile read again at each connect
 * @property {boolean} json
 * @property {boolean} untilLive
 * @property {number} max events after which it ends
 * @property {number | null} timeout milliseconds without a printed event after which it gives up
 * @property {number | undefined} silence milliseconds without a byte after which it comes back
 * @property {boolean} quiet
 * @property {import('./open_stream.mjs').Trust} trust
 */

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  /** @override */
  name = 'UsageError';
}

export const HELP = `Usage: sse-cat [options] URL...

Prints the data of each message of an event stream, and a newline. After a cut it comes back
with the last id, so that nothing is lost and nothing comes twice.

  --json                   print each event as a line of JSON: topic, id, event, and what
                           format=json of sse-kafka-fanout has (partition, offset, key, value, ...)
  --event NAME             print events of this name instead of 'message' (repeatable);
                           --json prints all events unless told by this which
  --id ID                  begin after the event with this id
  --since WHEN             begin at a time (2026-01-31T12:00:00Z or Unix milliseconds), at
                           'latest', or with the last -N offsets of each partition (-100)
  --until-live             end once all has come that was there
  --max N                  end after N events
  --timeout SECONDS        give up when there was nothing to print for so long
  --header 'Name: value'   send this header with each request (repeatable)
  --token-file FILE        send the bearer token in this file, read again at each connect
  --cacert FILE            trust the authorities in this PEM file
  --insecure               trust any certificate
  --quiet                  do not tell of lost connections
  -h, --help               print this
  -V, --version            print the version

Several URLs are read at once. Errors, lost connections (on a terminal each, else the first) and
gaps (records that Kafka no longer has) are lines on stderr, and so is each time that the gateway
lets nobody in with what was sent (unauthorized); on a terminal also when the gateway hears nothing
from Kafka (stale), and when it does again (fresh).

Ends with 0 when asked to (--until-live, --max, Ctrl-C, SIGTERM, a closed pipe, the server's 204), 1 when it gave
up or a stream cannot be had (no token was sent, or twice running one that does not count), 2 when the command line is wrong.

  sse-cat http://localhost:8080/events
  sse-cat --json --since latest http://localhost:8080/events | jq -r .value
  sse-cat --json --max 1 --timeout 10 --id Ao8nEHQCAAI= http://localhost:8080/events
`;

const OPTIONS = /** @type {const} */ ({
  json: { type: 'boolean' },
  event: { type: 'string', multiple: true },
  id: { type: 'string' },
  since: { type: 'string' },
  'until-live': { type: 'boolean' },
  max: { type: 'string' },
  timeout: { type: 'string' },
  header: { type: 'string', multiple: true },
  'token-file': { type: 'string' },
  cacert: { type: 'string' },
  insecure: { type: 'boolean' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
  // Of sse-cat 2 and 3. What is silent is seen by any byte, so that the event needs no name.
  'heartbeat-event': { type: 'string' },
  'heartbeat-timeout': { type: 'string' },
});

/**
 * Reads the arguments after the command's name.
 *
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {Options | 'help' | 'version'}
 * @throws {UsageError} with one line that says what is wrong.
 */
export function parseOptions(argv, env = {}) {
  const { values, positionals } = parse(spreadLists(argv));
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (positionals.length === 0)
    throw new UsageError('no URL given, expected one like http://localhost:8080/events');
  if (values.id !== undefined && positionals.length > 1)
    throw new UsageError('--id belongs to one stream: give one URL');
  const silence = values['heartbeat-timeout'];
  const names = values.event ?? (values.json ? null : ['message']);
  return {
    urls: positionals.map((text) => parseUrl(text, values)),
    events: names && new Set(names),
    headers: parseHeaders(values),
    tokenFile: values['token-file'],
    json: values.json ?? false,
    untilLive: values['until-live'] ?? false,
    max: values.max === undefined ? Number.POSITIVE_INFINITY : count('--max', values.max),
    timeout: values.timeout === undefined ? null : milliseconds('--timeout', values.timeout, 1000),
    silence: silence === undefined ? silence : milliseconds('--heartbeat-timeout', silence, 1),
    quiet: values.quiet ?? false,
    trust: {
      ca: values.cacert === undefined ? values.cacert : readCertificates(values.cacert),
      anyCertificate: values.insecure ?? env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
    },
  };
}

/**
 * `--event a b` of sse-cat 3 as `--event a --event b`: a list goes on to the next option, `--` or
 * URL. And `--since -100` as one argument.
 *
 * @param {readonly string[]} argv
 */
function spreadLists(argv) {
  const spread = [];
  let list = '';
  for (const [at, argument] of argv.entries()) {
    if (argument === '--') return [...spread, ...argv.slice(at)];
    const before = argv[at - 1] ?? '';
    if (before === '--since' && /^-\d/.test(argument)) {
      // Node takes what begins with a dash for an option of its own.
      spread.splice(-1, 1, `--since=${argument}`);
      continue;
    }
    if (/^(-|https?:)/.test(argument)) list = '';
    else if (list !== '' && before !== list) spread.push(list);
    spread.push(argument);
    if (argument === '--event' || argument === '--header') list = argument;
  }
  return spread;
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({ args, allowPositionals: true, options: OPTIONS });
  } catch (error) {
    // Node's messages go on with a second sentence about `--`.
    const [message = ''] = /** @type {Error} */ (error).message.split(/\.\s/);
    throw new UsageError(message);
  }
}

/**
 * @param {string} text
 * @param {{ json?: boolean, since?: string, 'until-live'?: boolean }} asked
 */
function parseUrl(text, { json, since, 'until-live': untilLive }) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `'${text}' is no http(s) URL, expected one like http://localhost:8080/events`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError("a URL with a password is not sent: use --header 'Authorization: …'");
  }
  if (json) url.searchParams.set('format', 'json');
  if (untilLive) url.searchParams.set('until', 'live');
  if (since !== undefined) url.searchParams.set('since', since);
  return url;
}

/** @param {{ header?: string[], id?: string, 'token-file'?: string }} asked */
function parseHeaders({ header = [], id, 'token-file': tokenFile }) {
  const headers = new Headers();
  for (const text of header) {
    const colon = text.indexOf(':');
    try {
      headers.append(text.slice(0, Math.max(colon, 0)), text.slice(colon + 1).trim());
    } catch {
      // The value stays out of the message: it may be a secret.
      throw new UsageError("--header takes 'Name: value'");
    }
  }
  if (tokenFile !== undefined) checkToken(tokenFile, headers);
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream');
  if (id !== undefined) {
    try {
      headers.set('last-event-id', Buffer.from(id).toString('latin1'));
    } catch {
      throw new UsageError('--id takes an id as the stream gave it');
    }
  }
  return headers;
}

/**
 * @param {string} file
 * @param {Headers} headers
 */
function checkToken(file, headers) {
  if (headers.has('authorization'))
    throw new UsageError("give --token-file or --header 'Authorization: …', not both");
  try {
    readToken(file);
  } catch (error) {
    if (error instanceof NoToken) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function count(name, text) {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new UsageError(`${name} takes a number from 1 on`);
  return Number(text);
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} unit in milliseconds
 */
function milliseconds(name, text, unit) {
  const time = Math.round(Number(text) * unit);
  // What a timer can hold.
  if (time >= 1 && time < 2 ** 31) return time;
  throw new UsageError(`${name} takes ${unit === 1 ? 'milliseconds' : 'seconds'}, more than 0`);
}

/** @param {string} file */
function readCertificates(file) {
  try {
    const pem = readFileSync(file, 'utf8');
    if (pem.includes('-----BEGIN ')) return pem;
  } catch (error) {
    throw new UsageError(
      `--cacert ${file} cannot be read: ${/** @type {Error} */ (error).message}`,
    );
  }
  throw new UsageError(`--cacert ${file} is no PEM file`);
}
