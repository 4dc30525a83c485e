import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { Readable } from 'node:stream';

/** Statuses whose response may have no body, not even an empty one. */
const WITHOUT_BODY = [204, 205, 304];

/**
 * The part of `fetch` that sse-cat needs, for https and by node:https: that one heeds
 * NODE_TLS_REJECT_UNAUTHORIZED=0 on Deno, whose own `fetch` cannot be told so. It follows no
 * redirect.
 */
export async function trustingFetch(url: URL, init: RequestInit): Promise<Response> {
  const { headers, signal } = init;
  const sent = request(url, {
    headers: Object.fromEntries(new Headers(headers)),
    ...(signal ? { signal } : {}),
  }).end();
  try {
    const [message]: IncomingMessage[] = await once(sent, 'response');
    return responseOf(message!);
  } catch (cause) {
    throw new TypeError('fetch failed', { cause });
  }
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  const body = WITHOUT_BODY.includes(status) ? null : Readable.toWeb(message);
  if (body === null) message.resume();
  return new Response(body as ReadableStream<Uint8Array> | null, { status, statusText, headers });
}
