/**
 * The kinds of value that a setting can have. Each schema takes the text of one setting; its
 * messages end the sentence "expected ...".
 *
 * @module
 */

import { z } from 'zod';

export function whole(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** A longer time does not fit a timer: setTimeout fires at once beyond 2^31 - 1 ms (24.8 days). */
const MAX_SECONDS = 2_147_483;
export const seconds = whole(0, MAX_SECONDS);
export const connections = whole(0, 10_000_000);
export const port = whole(0, 65_535);

export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'true or false' });

const workersExpected = 'auto, or a whole number from 1 to 1024';
export const workers = z
  .string()
  .regex(/^(?:auto|\d+)$/, workersExpected)
  .transform((text) => (text === 'auto' ? text : Number(text)))
  .refine((value) => value === 'auto' || (value >= 1 && value <= 1024), workersExpected);

export function list<T>(entry: z.ZodType<T, string>) {
  return z
    .string()
    .transform(entries)
    .pipe(z.array(entry))
    .transform((values) => [...new Set(values)])
    .readonly();
}

export function entries(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

/** An IP address (IPv6 without brackets) or a host name; `_` for the names that Compose makes. */
function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return z.ipv4().safeParse(text).success;
  return /^[a-z0-9_][a-z0-9._-]{0,252}$/i.test(text) || z.ipv6().safeParse(text).success;
}

export const host = z
  .string()
  .refine(isHost, 'an IP address (IPv6 without brackets) or a host name');

export const hostPort = z.string().refine((text) => {
  const [, ipv6, name, number] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const hostIsRight = ipv6 === undefined ? isHost(name ?? '') : z.ipv6().safeParse(ipv6).success;
  return hostIsRight && Number(number) >= 1 && Number(number) <= 65_535;
}, 'host:port or [IPv6]:port (port 1 to 65535), several with a comma between');

/** Kafka's own rule: `org.apache.kafka.common.internals.Topic`. */
export const topic = z
  .string()
  .regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, 'a topic name (1 to 249 of a-z A-Z 0-9 . _ -)');

/** Whether a browser sends it so in `Origin`: compared as text, a wrong case would never match. */
function isOrigin(text: string): boolean {
  if (text === 'null') return true; // of a page opened from a file, or in a sandbox
  if (text.includes('*')) return false; // to URL a letter like any other
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(?::\d{1,5})?$/.test(text);
}

const origin = z
  .string()
  .refine(
    (text) => text === '*' || isOrigin(text),
    '* or origins as a browser sends them (https://a.example:8443: no path, no default port)',
  );

export const origins = list(origin)
  .refine((all) => all.length === 1 || !all.includes('*'), '* alone, or origins without it')
  .transform((all) => (all[0] === '*' ? '*' : all));

/** The content of a key file, put where its path belongs, has to end here: it is a secret. */
export const PEM_CONTENT = '-----BEGIN';
export const pemFile = z
  .string()
  .refine((text) => !text.includes(PEM_CONTENT), 'the path of a PEM file, not its content');

/** What the gateway asks. A name and a password in it would be shown, and are none of these. */
export const webAddress = z.string().refine((text) => {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}, 'an address that begins with https:// (or http://), without name and password');

export const file = z
  .string()
  .refine((text) => !text.includes(PEM_CONTENT), 'the path of a file, not its content');

/** Pairs of a name and a value, with commas between; a value may hold `=`. */
function pairs(isPair: (name: string, value: string) => boolean, expected: string) {
  return z
    .string()
    .transform((text) =>
      entries(text).map((entry): readonly [string, string] => {
        const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
        return [name.trim(), value.trim()];
      }),
    )
    .refine((all) => all.every(([name, value]) => isPair(name, value)), expected)
    .readonly();
}

const OWN_PARAMETERS = /^(grant_type|client_id|client_secret|client_assertion(_type)?)$/;
export const oauthParameters = pairs(
  (name, value) => name !== '' && value !== '' && !OWN_PARAMETERS.test(name),
  'name=value with commas between (scope=kafka,audience=brokers); what has a setting of its own goes there',
);

/** https://www.rfc-editor.org/rfc/rfc7628#section-3.1 */
export const oauthExtensions = pairs(
  (name, value) => /^(?!auth$)[A-Za-z]+$/.test(name) && /^[\x20-\x7e]+$/.test(value),
  'name=value with commas between; names of letters alone, none of them auth',
);

/** https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1 */
export const cookieName = z
  .string()
  .regex(
    /^[!#$%&'*+.^_`|~\w-]+$/,
    'the name of a cookie (no blanks, none of = ; , " / ( ) [ ] { })',
  );
