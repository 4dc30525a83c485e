import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import type { Topic } from './kafka.ts';
import { base64url } from './wire_format.ts';

/** A request of HTTP in its parts, as a client may put them together. */
export interface AnyRequest {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE'];
const PLACES = ['lastEventId', 'last_event_id', 'Last-Event-ID', 'since', 'format', 'x'];
const HEADERS = ['last-event-id', 'accept', 'origin', 'x-forwarded-for', 'range', 'if-none-match'];

/** Anything that stands in a line of HTTP. */
const words = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('__proto__', 'constructor', '%00', '%zz', '..', '%2e%2e%2f', '*', '\ud800', ''),
);

const times = fc.oneof(
  fc.constantFrom('latest', 'LATEST', '', '0', '-1', '9'.repeat(400), '2026-02-30T12:00:00Z'),
  fc.maxSafeInteger().map(String),
  fc.date().map((date) => String(date)),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  words,
);

/** Cursors, and what is left of them when bytes are changed, cut or added. */
function cursors({ id }: Topic): fc.Arbitrary<string> {
  const bytes = fc.oneof(
    fc.constantFrom(Buffer.from(`02${id}0202`, 'hex'), Buffer.from(`02${id}020000`, 'hex')),
    fc.uint8Array({ maxLength: 40 }),
    fc
      .uint8Array({ maxLength: 40 })
      .map((rest) => Buffer.concat([Buffer.from(`02${id}`, 'hex'), rest])),
    fc.nat(4000).map((length) => Buffer.from([1, ...Array<number>(length).fill(0xff), 1])),
  );
  const text = bytes.map((all) => base64url(all));
  return fc.oneof(
    text,
    text.map((one) => JSON.stringify([null, one])),
    fc.tuple(words, text).map(([key, one]) => JSON.stringify([key, one])),
    fc.tuple(text, words).map(([one, etag]) => `${one}/${etag}`),
    words,
  );
}

/** Requests of all kinds; many are for the topic. */
export function requests(topic: Topic): fc.Arbitrary<AnyRequest> {
  const path = fc.oneof(
    { weight: 4, arbitrary: fc.constant(`/${topic.name}`) },
    fc.constantFrom('/', '/index.html', '/-/topics', '/-/', '/livez', '//', `/${topic.name}/`),
    words.map((word) => `/${encode(word)}`),
    words.map((word) => `/${topic.name}${encode(word)}`),
  );
  const value = fc.oneof(times, cursors(topic), fc.constantFrom('json', 'text'));
  const pairs = <T>(names: readonly string[], values: fc.Arbitrary<T>) =>
    fc.array(fc.tuple(fc.constantFrom(...names), values), { maxLength: 4 });
  return fc.record({
    method: fc.constantFrom(...METHODS),
    path,
    query: pairs(PLACES, value),
    headers: pairs(
      HEADERS,
      fc.oneof(
        cursors(topic).map(oneLine),
        words.map(oneLine),
        fc.constantFrom('text/event-stream', '*/*'),
      ),
    ),
  });
}

/** The target of a request. */
export function targetOf({ path, query }: AnyRequest): string {
  const search = query.map(([name, value]) => `${name}=${encode(value)}`).join('&');
  return search === '' ? path : `${path}?${search}`;
}

/** With escapes for what cannot stand in a target; those that are there stay as they are. */
function encode(word: string): string {
  // As bytes and back: half of a pair cannot be escaped.
  return Buffer.from(word)
    .toString()
    .replace(/[^!$-;=?-Z_a-z~]/gu, (char) => (char === '%' ? char : encodeURIComponent(char)));
}

/** Bytes that a header may have, one character each. */
function oneLine(word: string): string {
  const chars = [...Buffer.from(word).toString('latin1')];
  return chars
    .filter((char) => char >= ' ' && char !== '\x7f')
    .join('')
    .trim();
}
