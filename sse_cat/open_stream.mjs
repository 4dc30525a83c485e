import { once } from 'node:events';
import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';

const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 10;
/** What a redirect to another origin must not learn. */
const SECRET_HEADERS = ['authorization', 'cookie'];

/**
 * Whom to trust beside the authorities of the system.
 *
 * @typedef {object} Trust
 * @property {string | undefined} ca PEM; these authorities alone
 * @property {boolean} anyCertificate
 */

/**
 * Sends a GET, follows redirects, and has the response's head.
 *
 * By node:http and not by `fetch`: both runtimes can then be told which certificates to trust, and
 * a silent body is nobody's business but ours.
 *
 * @param {URL} url
 * @param {{ headers: Headers, trust: Trust, signal: AbortSignal }} init
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
export async function openStream(url, { headers, trust, signal }) {
  const sent = new Headers(headers);
  let to = url;
  for (let redirects = 0; ; redirects += 1) {
    const response = await get(to, sent, trust, signal);
    const next = redirects < MAX_REDIRECTS ? redirectOf(response, to) : null;
    if (next === null) return response;
    response.destroy();
    if (next.origin !== to.origin) for (const name of SECRET_HEADERS) sent.delete(name);
    to = next;
  }
}

/**
 * @param {import('node:http').IncomingMessage} response
 * @param {URL} from
 */
function redirectOf({ statusCode = 0, headers: { location } }, from) {
  if (!REDIRECTS.includes(statusCode) || location === undefined) return null;
  if (!URL.canParse(location, from)) return null;
  const to = new URL(location, from);
  return /^https?:$/.test(to.protocol) ? to : null;
}

/**
 * @param {URL} url
 * @param {Headers} headers
 * @param {Trust} trust
 * @param {AbortSignal} signal
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
async function get(url, headers, { ca, anyCertificate }, signal) {
  const options = {
    headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity' },
    // Each on a connection of its own: a stream is the last that comes over it.
    agent: false,
    signal,
  };
  const sent =
    url.protocol === 'http:'
      ? requestByHttp(url, options)
      : requestByHttps(url, {
          ...options,
          ...(ca === undefined ? {} : { ca }),
          ...(anyCertificate ? { rejectUnauthorized: false } : {}),
        });
  // Heard by whom waits for the response, or reads it; nobody does in the moments between.
  sent.on('error', () => {});
  sent.on('response', (response) => response.on('error', () => {}));
  sent.end();
  const [response] = await once(sent, 'response');
  return response;
}
