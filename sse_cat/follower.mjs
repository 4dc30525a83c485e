import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { BlockParser, Comeback, retryAfterMs } from './event_stream.mjs';
import { openStream } from './open_stream.mjs';
import { NoToken, readToken } from './token.mjs';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */

/** What it adds by itself to what the server asks for. */
const MAX_BACKOFF = 10_000;
/** From the request to the response's head, in milliseconds. */
const HEAD_DEADLINE = 30_000;
/** A body that is silent for so long is taken for dead; the gateway's are never, by far. */
const DEFAULT_SILENCE = 300_000;

/** Another try cannot mend these. Node has a code for each, Deno says them in words alone. */
const CERTIFICATE_FAULT = /\w*(CERT|SELF_SIGNED|UNABLE_TO)\w*|(?<=invalid peer certificate: )\w+/;
/** @type {[RegExp, string][]} */
const CERTIFICATE_ADVICE = [
  [/ALTNAME|NotValidForName/, 'it names another host: use that in the URL, or --insecure'],
  [/EXPIRED|Expired/, 'have it renewed, or give --insecure to accept any'],
  [/./, 'give --cacert FILE with its authority, or --insecure to accept any'],
];

/**
 * What stands between two blank lines of a stream: no event where `data` is `null`. `retry` is the
 * server's wish for the time before the next connection, in milliseconds.
 *
 * @typedef {{ type: string, data: string | null, id?: string, retry?: number }} Block
 */

/** The stream cannot be had; the message says why and what to do. */
export class GaveUp extends Error {
  /** @override */
  name = 'GaveUp';
}

/**
 * How a stream is read, and whom its events go to.
 *
 * @typedef {object} Follower
 * @property {Headers} headers sent with each request; a `last-event-id` is where the stream starts
 * @property {string | undefined} [tokenFile] a bearer token, read again at each connect
 * @property {import('./open_stream.mjs').Trust} [trust]
 * @property {number | undefined} [silence] milliseconds without a byte after which it comes back
 * @property {boolean} [untilLive] it ends for good with the event `live`
 * @property {(type: string, data: string, id: string) => void} onEvent
 * @property {() => void} [onOpen] whenever a stream is given, with what came of it at once
 * @property {() => Promise<void>} onPieceEnd
 *   After each piece from the network; nothing more is read until this settles.
 * @property {(reason: string, milliseconds: number, first: boolean) => void} onRetry
 *   Before each wait: why, and how long. `first` when the very first try failed.
 * @property {AbortSignal} signal
 */

/**
 * Reads one event stream, and comes back with the last id after each cut, until the server answers
 * 204, the signal aborts, or it is live and was to be read no further.
 *
 * @param {URL} url
 * @param {Follower} follower
 * @throws {GaveUp} where coming back is of no use.
 */
export async function follow(url, follower) {
  const { signal, silence = DEFAULT_SILENCE, tokenFile } = follower;
  const headers = new Headers(follower.headers);
  let lastId = Buffer.from(headers.get('last-event-id') ?? '', 'latin1').toString();
  const comeback = new Comeback(MAX_BACKOFF);
  let isFirst = true;
  /** Why the last stream was refused, '' where it was not. */
  let refused = '';

  while (!signal.aborted) {
    let reason = 'the stream ended';
    /** @type {number | undefined} */
    let asked;
    comeback.begin(lastId);
    try {
      if (tokenFile !== undefined) headers.set('authorization', `Bearer ${readToken(tokenFile)}`);
      const response = await request(url, headers, follower);
      const { statusCode, statusMessage } = response;
      if (statusCode === 204) return;
      if (statusCode === 200) {
        isFirst = false;
        if (await read(response)) return;
      } else {
        reason = `${statusCode} ${statusMessage}`.trim();
        asked = retryAfterMs(response.headers['retry-after']);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof GaveUp) throw error;
      // Else nothing would say why it stays away.
      isFirst ||= error instanceof NoToken;
      reason =
        error instanceof NoToken
          ? error.message
          : explain(/** @type {NodeJS.ErrnoException} */ (error));
    }
    const wait = comeback.wait(lastId, asked);
    follower.onRetry(reason, wait, isFirst);
    isFirst = false;
    await delay(wait, undefined, { signal }).catch(() => {});
  }

  /** @param {IncomingMessage} response @returns whether it is to be read no further */
  async function read(response) {
    const parser = new BlockParser();
    const before = refused;
    refused = '';
    let isDone = false;
    let isOpen = false;
    let printing = false;
    const watch = setInterval(() => {
      if (!printing) response.destroy(new Error(`silent for ${silence / 1000} s`));
    }, silence);
    try {
      for await (const bytes of response) {
        printing = true;
        /** @type {Iterable<Block>} */
        const blocks = parser.feed(bytes);
        for (const { type, data, id, retry } of blocks) {
          comeback.retryMs = retry ?? comeback.retryMs;
          lastId = id ?? lastId;
          if (data === null) continue;
          follower.onEvent(type, data, lastId);
          // An end that was due is no failure.
          if (type === 'expired') comeback.begin(null);
          if (type === 'unauthorized') {
            refused = reasonOf(data);
            giveUpWithoutToken(refused, before);
          }
          isDone = follower.untilLive === true && type === 'live';
          if (isDone) break;
        }
        if (!isOpen && refused === '') {
          isOpen = true;
          follower.onOpen?.();
        }
        await follower.onPieceEnd();
        printing = false;
        // The stream ends here, too; leaving the loop ends it where a server does not know how.
        if (isDone) return true;
        watch.refresh();
      }
      return false;
    } finally {
      clearInterval(watch);
      if (lastId === '') headers.delete('last-event-id');
      // Its UTF-8 bytes, one character each: what a header can carry.
      else headers.set('last-event-id', Buffer.from(lastId).toString('latin1'));
    }
  }
}

/**
 * A response that is a stream, the end of one (204), or worth another try.
 *
 * @param {URL} url
 * @param {Headers} headers
 * @param {Follower} follower
 */
async function request(url, headers, { trust, signal }) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), HEAD_DEADLINE);
  try {
    const response = await openStream(url, {
      headers,
      trust: trust ?? { ca: undefined, anyCertificate: false },
      signal: AbortSignal.any([signal, late.signal]),
    });
    const { statusCode = 0 } = response;
    if (statusCode === 200) {
      const wrong = noStream(response.headers);
      if (wrong === null) return response;
      response.destroy();
      throw new GaveUp(wrong);
    }
    if (statusCode !== 204 && statusCode !== 429 && statusCode < 500)
      throw new GaveUp(await refusal(response));
    response.destroy();
    return response;
  } catch (error) {
    throw late.signal.aborted ? new Error('no answer within 30 s') : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What is wrong with the response's head, `null` for that of an event stream.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 */
function noStream({ 'content-type': type = 'none', 'content-encoding': encoding = 'identity' }) {
  if (!/^text\/event-stream *(;|$)/i.test(type))
    return `no event stream (its type is ${type}): check the path of the URL`;
  if (encoding !== 'identity')
    return `the stream is compressed (${encoding}), though it was asked not to be: mend the server or proxy`;
  return null;
}

/**
 * The reason of `event:unauthorized`, '' where there is none.
 *
 * @param {string} data
 */
function reasonOf(data) {
  try {
    return String(JSON.parse(data).reason);
  } catch {
    return '';
  }
}

/**
 * @param {string} reason
 * @param {string} before the reason at the connect before, '' where there was none
 * @throws {GaveUp} where the next try would be refused as this one was; a token that is over is
 *   renewed by whoever writes it.
 */
function giveUpWithoutToken(reason, before) {
  const advice = "give a valid --token-file FILE, or --header 'Authorization: …'";
  if (reason === 'missing') throw new GaveUp(`it wants a token: ${advice}`);
  if (reason === 'invalid' && before === 'invalid')
    throw new GaveUp(
      `the token does not count, twice running: ${advice}; the gateway's log says why`,
    );
}

/**
 * Status and the first line of a refusal, and what to do about it.
 *
 * @param {IncomingMessage} response
 */
async function refusal(response) {
  const { statusCode: status, statusMessage, headers } = response;
  let line = '';
  if (headers['content-type']?.startsWith('text/plain')) {
    const { value = '' } = await response[Symbol.asyncIterator]().next();
    line = `${value}`
      .trim()
      .split(/\p{Cc}/u, 1)
      .join('')
      .slice(0, 200);
  }
  response.destroy();
  const advice =
    status === 401 || status === 403
      ? "give a valid --token-file FILE, or --header 'Authorization: …'"
      : 'check the URL, its path and its query';
  return `${status} ${statusMessage}${line === '' ? '' : ` (${line})`}: ${advice}`;
}

/**
 * The cause of a failed connection in words.
 *
 * @param {NodeJS.ErrnoException} error
 * @throws {GaveUp} where another try cannot mend it.
 */
function explain(error) {
  const { code = '', message } = error;
  if (error instanceof RangeError) throw new GaveUp(`${message}: is this an event stream?`);
  const [fault] = CERTIFICATE_FAULT.exec(`${code} ${message}`) ?? [];
  if (fault !== undefined) {
    const [, advice] = /** @type {[RegExp, string]} */ (
      CERTIFICATE_ADVICE.find(([pattern]) => pattern.test(fault))
    );
    throw new GaveUp(`the certificate is not trusted (${fault}): ${advice}`);
  }
  if (code === 'ERR_INVALID_CHAR')
    throw new GaveUp(`the request cannot be sent (${message}): an id with control characters`);
  if (message.includes('wrong version number')) return 'the port speaks no TLS (is it http://?)';
  if (message === 'socket hang up') return 'closed without an answer (is it https://?)';
  if (message === 'aborted') return 'the connection was cut';
  // Where a name has several addresses, the error has a code alone.
  return message || code;
}
