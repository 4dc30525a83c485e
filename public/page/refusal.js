/** How long a server may take to say why. */
const DEADLINE_MS = 5000;

/** What no later try changes; a proxy's 502 or a gateway's 503 is not among them. */
const FINAL = new Set([204, 400, 401, 403, 404, 410]);

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
  if (status === 400) return 'the server does not understand the request (400)';
  if (status === 204) return 'the server says there is no more (204)';
  return `the server said ${status} ${statusText}`.trim();
}

/**
 * The one line in which a gateway says why; a proxy's page in its place is none.
 * @param {string} text
 * @param {number} status
 */
export function wordsOf(text, status) {
  const line = text.trim();
  const isLine = line !== '' && line.length < 200 && !/[<\n]/.test(line);
  return isLine ? line : `The gateway said ${status}`;
}
