import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FormatError, parseFormat } from './record_format.mjs';
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
 * @property {ReturnType<typeof parseFormat> | null} format
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

  -j, --json                   print each event as a line of JSON: topic, id, event, and what
                               format=json of sse-kafka-fanout has (partition, offset, key, ...)
  -f, --format FORMAT          print each as kcat does: %t topic, %p partition, %o offset, %T time,
                               %k key, %s value, %K %S their bytes, %h headers, %%; \\n \\t \\xHH
  -e, --event NAME             print events of this name instead of 'message' (repeatable);
                               --json prints all events unless told by this which
  -i, --id ID                  begin after the event with this id
  -s, --since WHEN             begin at a time (2026-01-31T12:00:00Z, Unix milliseconds, or 10m
                               ago: s m h d), at 'latest', or with the last -N offsets of each
                               partition (-100)
  -k, --key KEY                records with this key alone (repeatable: any of them)
  -w, --where EXPRESSION       records that this CEL holds for alone: 'value.price > 100.0'
      --header-filter N=VALUE  records with this header alone (repeatable)
  -u, --until-live             end once all has come that was there
  -n, --max N                  end after N events
  -t, --timeout SECONDS        give up when there was nothing to print for so long
  -H, --header 'Name: value'   send this header with each request (repeatable)
      --token-file FILE        send the bearer token in this file, read again at each connect
      --cacert FILE            trust the authorities in this PEM file
      --insecure               trust any certificate
  -q, --quiet                  do not tell of connections
  -h, --help                   print this
  -V, --version                print the version

A URL without a scheme is http: localhost:8080/events. Several are read at once. Errors, lost
connections (on a terminal each, and when it is connected or back; else the first) and gaps (records
that Kafka no longer has) are lines on stderr, and so is each time that the gateway lets nobody in
with what was sent (unauthorized); on a terminal also when the gateway hears nothing from Kafka
(stale), and when it does again (fresh). On a terminal JSON has colours, unless NO_COLOR is set.

Ends with 0 when asked to (--until-live, --max, Ctrl-C, SIGTERM, a closed pipe, the server's 204), 1 when it gave
up or a stream cannot be had (no token was sent, or twice running one that does not count), 2 when the command line is wrong.

  sse-cat localhost:8080/events
  sse-cat --json --since latest localhost:8080/events | jq -r .value
  sse-cat -u -s 10m -f '%T %k %s\\n' localhost:8080/events
  sse-cat --json --max 1 --timeout 10 --id Ao8nEHQCAAI= localhost:8080/events
`;

const OPTIONS = /** @type {const} */ ({
  json: { type: 'boolean', short: 'j' },
  format: { type: 'string', short: 'f' },
  event: { type: 'string', multiple: true, short: 'e' },
  id: { type: 'string', short: 'i' },
  since: { type: 'string', short: 's' },
  key: { type: 'string', multiple: true, short: 'k' },
  where: { type: 'string', multiple: true, short: 'w' },
  'header-filter': { type: 'string', multiple: true },
  'until-live': { type: 'boolean', short: 'u' },
  max: { type: 'string', short: 'n' },
  timeout: { type: 'string', short: 't' },
  header: { type: 'string', multiple: true, short: 'H' },
  'token-file': { type: 'string' },
  cacert: { type: 'string' },
  insecure: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
  // Of sse-cat 2 and 3. What is silent is seen by any byte, so that the event needs no name.
  'heartbeat-event': { type: 'string' },
  'heartbeat-timeout': { type: 'string' },
});

/** Options that take a list, as in sse-cat 3. */
const LISTS = new Set(['--event', '--header', '-e', '-H']);
/** `localhost:8080/events`, `[::1]:8080/events` */
const WITHOUT_SCHEME = /^(\[[\da-f:.]+\]|[a-z\d][\w.-]*):\d{1,5}\//i;
/** Of `--since 10m`, in milliseconds. */
const UNITS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * Reads the arguments after the command's name.
 *
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @param {number} now Unix milliseconds, which `--since 10m` is counted from
 * @returns {Options | 'help' | 'version'}
 * @throws {UsageError} with one line that says what is wrong.
 */
export function parseOptions(argv, env = {}, now = Date.now()) {
  const { values, positionals } = parse(spreadLists(argv));
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (positionals.length === 0)
    throw new UsageError('no URL given, expected one like http://localhost:8080/events');
  if (values.id !== undefined && positionals.length > 1)
    throw new UsageError('--id belongs to one stream: give one URL');
  if (values.json && values.format !== undefined)
    throw new UsageError('give --json or --format, not both');
  const silence = values['heartbeat-timeout'];
  const names = values.event ?? (values.json ? null : ['message']);
  return {
    urls: positionals.map((text) => parseUrl(text, values, now)),
    events: names && new Set(names),
    headers: parseHeaders(values),
    tokenFile: values['token-file'],
    json: values.json ?? false,
    format: values.format === undefined ? null : format(values.format),
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
  // Where one has a scheme, what looks like one without may be a header of a list.
  const url = argv.some((argument) => /^https?:/.test(argument)) ? /^https?:/ : WITHOUT_SCHEME;
  for (const [at, argument] of argv.entries()) {
    if (argument === '--') return [...spread, ...argv.slice(at)];
    const before = argv[at - 1] ?? '';
    if ((before === '--since' || before === '-s') && /^-\d/.test(argument)) {
      // Node takes what begins with a dash for an option of its own.
      spread.splice(-1, 1, `--since=${argument}`);
      continue;
    }
    if (argument.startsWith('-') || url.test(argument)) list = '';
    else if (list !== '' && before !== list) spread.push(list);
    spread.push(argument);
    if (LISTS.has(argument)) list = argument;
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
 * @param {{
 *   json?: boolean, format?: string, since?: string, 'until-live'?: boolean, key?: string[],
 *   where?: string[], 'header-filter'?: string[],
 * }} asked
 * @param {number} now
 */
function parseUrl(text, asked, now) {
  const whole = WITHOUT_SCHEME.test(text) ? `http://${text}` : text;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `'${text}' is no http(s) URL, expected one like http://localhost:8080/events`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError("a URL with a password is not sent: use --header 'Authorization: …'");
  }
  const { searchParams } = url;
  if (asked.json || asked.format !== undefined) searchParams.set('format', 'json');
  if (asked['until-live']) searchParams.set('until', 'live');
  if (asked.since !== undefined) searchParams.set('since', beginning(asked.since, now));
  for (const key of asked.key ?? []) searchParams.append('key', key);
  for (const where of asked.where ?? []) searchParams.append('where', where);
  for (const filter of asked['header-filter'] ?? []) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(filter) ?? [];
    if (name === '') throw new UsageError("--header-filter takes 'name=value'");
    searchParams.append(`header.${name}`, value);
  }
  return url;
}

/**
 * `10m` as the time that it was then: where it comes back, it begins at the same one.
 *
 * @param {string} since
 * @param {number} now
 */
function beginning(since, now) {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(since) ?? [];
  return count === undefined ? since : String(now - Number(count) * (UNITS.get(unit) ?? 0));
}

/** @param {string} text */
function format(text) {
  try {
    return parseFormat(text);
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`--format: ${error.message}`);
    throw error;
  }
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
