/** How long a server may take to say why. */
const DEADLINE_MS = 5000;

/** What no later try changes; a proxy's 502 or a gateway's 503 is not among them. */
const FINAL = new Set([204, 400, 401, 403, 404, 410]);

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
