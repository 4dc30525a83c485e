import { setTimeout as delay } from 'node:timers/promises';
import { createEventParser } from './event_parser.ts';

/** Milliseconds. The server's `retry:` takes the place of the first. */
const DEFAULT_RETRY = 1000;
const MIN_RETRY = 100;
const MAX_BACKOFF = 30_000;
/** The server's own wish (`retry:`, `Retry-After`) is kept up to this. */
const MAX_ASKED = 3_600_000;
/** From the request to the response's head. The body has no limit of ours. */
const HEAD_DEADLINE = 30_000;

/** Errors that another try cannot mend: certificates, and what no header can carry. */
const HOPELESS = /CERT|SELF_SIGNED|UNABLE_TO|INVALID_ARG/;
/** Deno's words for a certificate that is not trusted; its errors have no code. */
const DENO_CERTIFICATE_ERROR = /(?<=invalid peer certificate: )\w+/;

/** The stream cannot be had; the message says why and what to do. */
export class GaveUp extends Error {
  override name = 'GaveUp';
}

/** Whom the events of one stream go to. */
export interface Follower {
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly headers: Headers;
  readonly onEvent: (type: string, data: string) => void;
  /** After each piece from the network; nothing more is read until this settles. */
  readonly onPieceEnd: () => Promise<void>;
  /** Before each wait: why, and how long. `first` when the very first try failed. */
  readonly onRetry: (reason: string, milliseconds: number, first: boolean) => void;
  readonly signal: AbortSignal;
}

/**
 * Reads one event stream, and comes back with the last id after each cut, until the server answers
 * 204 or the signal aborts.
 * @throws {GaveUp} where coming back is of no use.
 */
export async function follow(url: URL, follower: Follower): Promise<void> {
  const { signal } = follower;
  const headers = new Headers(follower.headers);
  let retry = DEFAULT_RETRY;
  let failures = 0;
  let streamed = false;

  while (!signal.aborted) {
    let reason = 'the stream ended';
    let asked = 0;
    try {
      const response = await request(url, headers, follower);
      if (response.status === 204) return;
      if (response.status === 200) {
        failures = 0;
        streamed = true;
        await read(response);
      } else {
        reason = `${response.status} ${response.statusText}`.trim();
        asked = retryAfter(response.headers);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof GaveUp) throw error;
      reason = explain(error);
    }
    // The wish of the server is a minimum; jitter keeps a crowd from coming back at once.
    const backoff = Math.min(retry * 2 ** failures, Math.max(retry, MAX_BACKOFF));
    const wait = Math.round(Math.max(backoff, asked) * (1 + Math.random() / 4));
    failures += 1;
    follower.onRetry(reason, wait, !streamed && failures === 1);
    await delay(wait, undefined, { signal }).catch(() => {});
  }

  async function read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    const feed = createEventParser({
      onEvent: follower.onEvent,
      onId: (id) => {
        if (id === '') headers.delete('last-event-id');
        else headers.set('last-event-id', headerText(id));
      },
      onRetry: (milliseconds) => {
        retry = Math.min(Math.max(milliseconds, MIN_RETRY), MAX_ASKED);
      },
    });
    for await (const bytes of response.body ?? []) {
      feed(decoder.decode(bytes, { stream: true }));
      await follower.onPieceEnd();
    }
  }
}

/** A response that is a stream, the end of one (204), or worth another try. */
async function request(url: URL, headers: Headers, { fetch, signal }: Follower): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer within 30 s')), HEAD_DEADLINE);
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, late.signal]) });
    const { status } = response;
    if (status === 200) {
      const type = response.headers.get('content-type') ?? 'none';
      if (/^text\/event-stream *(;|$)/i.test(type)) return response;
      await response.body?.cancel();
      throw new GaveUp(`no event stream (its type is ${type}): check the path of the URL`);
    }
    if (status !== 204 && status !== 429 && status < 500) throw new GaveUp(await refusal(response));
    await response.body?.cancel();
    return response;
  } finally {
    clearTimeout(timer);
  }
}

/** Status and the first line of a refusal, and what to do about it. */
async function refusal(response: Response): Promise<string> {
  const { status, statusText } = response;
  const isText = response.headers.get('content-type')?.startsWith('text/plain') ?? false;
  const reader = response.body?.getReader();
  const piece = isText ? (await reader?.read())?.value : undefined;
  await reader?.cancel();
  const line = new TextDecoder()
    .decode(piece)
    .trim()
    .split(/\p{Cc}/u)[0]!
    .slice(0, 200);
  const advice =
    status === 401 || status === 403
      ? "give a valid --header 'Authorization: …'"
      : 'check the URL, its path and its query';
  return `${status} ${statusText}${line === '' ? '' : ` (${line})`}: ${advice}`;
}

/** Milliseconds asked for by `Retry-After` (seconds or a date), 0 without one. */
function retryAfter(headers: Headers): number {
  const text = headers.get('retry-after') ?? '';
  const asked = /^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Math.min(Math.max(asked || 0, 0), MAX_ASKED);
}

/** An id's UTF-8 bytes, one character each: what a header can carry. */
function headerText(id: string): string {
  return Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('');
}

/**
 * The cause of a failed connection in words.
 * @throws {GaveUp} where another try cannot mend it.
 */
function explain(error: unknown): string {
  if (error instanceof RangeError) throw new GaveUp(`${error.message}: is this an event stream?`);
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const [wrong] = DENO_CERTIFICATE_ERROR.exec(cause?.message ?? '') ?? [];
  const code = cause?.code ?? wrong ?? '';
  if (!HOPELESS.test(code) && wrong === undefined)
    return code || cause?.message || (error as Error).message;
  throw new GaveUp(
    code.includes('INVALID_ARG')
      ? `the request cannot be sent (${cause?.message}): control characters fit in no header`
      : `the certificate is not trusted (${code}): set NODE_EXTRA_CA_CERTS=<its CA file>, or NODE_TLS_REJECT_UNAUTHORIZED=0 to accept any`,
  );
}
