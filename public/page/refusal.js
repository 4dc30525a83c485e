/** How long a server may take to say why. */
const DEADLINE_MS = 5000;

/** What no later try changes; a proxy's 502 or a gateway's 503 is not among them. */
const FINAL = new Set([204, 400, 401, 403, 404, 410]);

/** A page is longer, or has tags. */
const MAX_LINE = 400;

const OVER = 'your sign-in is over';
/** By the reason that the event `unauthorized` has. */
const REASONS = new Map([
  ['missing', 'you are not signed in'],
  ['expired', OVER],
  ['invalid', 'your sign-in does not count here'],
  ['forbidden', 'you have no right to this'],
  ['unavailable', 'who you are cannot be told right now'],
]);

/**
 * Why a stream is not given, in words.
 * @param {string} data of the event `unauthorized`
 * @param {boolean} isExpired whether the sign-in was over before: a cookie that is over is not sent
 */
export function reasonOf(data, isExpired) {
  const [, reason = ''] = /"reason":"(\w+)"/.exec(data) ?? [];
  if (isExpired && reason === 'missing') return OVER;
  return REASONS.get(reason) ?? 'the server did not let you in';
}

/**
 * Why an EventSource gave up, which it does not tell: the server is asked for the head alone.
 *
 * @param {string} url
 * @returns {Promise<{ words: string, isFinal: boolean }>}
 */
export async function askForRefusal(url) {
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const headers = { accept: 'text/event-stream' };
    const {
      status,
      statusText,
      headers: answer,
    } = await fetch(url, {
      method: 'HEAD',
      headers,
      signal,
    });
    // Another server may know the stream, but not the method.
    if (status === 405 || status === 501) return { words: 'the server refused', isFinal: false };
    if (status === 400) return { words: await faultOf(url, headers, signal), isFinal: true };
    if (status !== 200) {
      return { words: describe(status, statusText), isFinal: FINAL.has(status) };
    }
    const type = answer.get('content-type') ?? 'nothing';
    const isStream = type.split(';')[0]?.trim() === 'text/event-stream';
    if (!isStream) return { words: `not an event stream but ${type}`, isFinal: true };
    return { words: 'the connection was refused', isFinal: false };
  } catch {
    return { words: 'the server cannot be reached', isFinal: false };
  }
}

/**
 * @param {number} status
 * @param {string} statusText empty over HTTP/2
 */
function describe(status, statusText) {
  if (status === 404) return 'there is no such stream (404)';
  if (status === 204) return 'the server says there is no more (204)';
  return `the server said ${status} ${statusText}`.trim();
}

/**
 * What a server does not understand, in its own words.
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {AbortSignal} signal
 */
async function faultOf(url, headers, signal) {
  const response = await fetch(url, { headers, signal });
  const reader = response.body?.getReader();
  // A line is no longer; whatever is may never end.
  const { value } = (await reader?.read()) ?? {};
  reader?.cancel().catch(() => {});
  const text = new TextDecoder().decode(value);
  if (response.status !== 400 || lineOf(text) === null) {
    return 'the server does not understand the request (400)';
  }
  return text.trim();
}

/**
 * Which setting an answer is about, and where in it, as this gateway words it.
 * @param {string} words
 * @returns {{ name: 'key' | 'where' | 'every' | 'since', at: number | null } | null} `at`: the character, from 0
 */
export function faultIn(words) {
  const [, name, at] = /^(key|where|every|since)\b(?:, at character (\d+):)?/.exec(words) ?? [];
  if (name === undefined) return null;
  return { name: /** @type {'where'} */ (name), at: at === undefined ? null : Number(at) - 1 };
}

/**
 * The one line in which a gateway says why; a proxy's page in its place is none.
 * @param {string} text
 * @param {number} status
 */
export function wordsOf(text, status) {
  return lineOf(text) ?? `The gateway said ${status}`;
}

/** @param {string} text */
function lineOf(text) {
  const line = text.trim();
  const isLine = line !== '' && line.length < MAX_LINE && !/\n|<\w+[\s>]/.test(line);
  return isLine ? line : null;
}
