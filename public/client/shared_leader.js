import { connect } from './client.js';

/** @typedef {{ url: string, withCredentials: boolean, token?: import('./client.js').ConnectOptions['token'] }} Stream */

/** How often a worker looks whether a tab still uses its stream. */
const LOOK_MS = 10_000;

/**
 * The name of a stream among the tabs of an origin: of its lock and its channel.
 * @param {Stream} stream
 */
export function streamKey({ url, withCredentials, token }) {
  return `sse-kafka-fanout ${withCredentials}${token ? ' token' : ''} ${url}`;
}

/**
 * Waits until nobody else leads, and leads until the signal aborts: has the stream, and tells all
 * tabs what comes of it.
 * @param {Stream} stream
 * @param {() => string} place gives the id to begin at; where it is empty, at what comes from now on
 * @param {AbortSignal} signal
 */
export async function lead(stream, place, signal) {
  const key = streamKey(stream);
  try {
    await navigator.locks.request(key, { signal }, () => tell(key, stream, place(), signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * In a worker: leads while a tab holds the lock of those who use it.
 * @param {Stream} stream
 */
export async function leadWhileUsed(stream) {
  const leading = new AbortController();
  const looking = setInterval(() => {
    const name = `${streamKey(stream)} used`;
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock !== null) leading.abort();
    });
  }, LOOK_MS);
  await lead(stream, () => '', leading.signal);
  clearInterval(looking);
}

/** @param {string} key @param {Stream} stream @param {string} lastEventId @param {AbortSignal} signal */
async function tell(key, { url, withCredentials, token }, lastEventId, signal) {
  const channel = new BroadcastChannel(key);
  const leader = crypto.randomUUID();
  const address = new URL(url);
  if (lastEventId === '') address.searchParams.set('since', 'latest');
  const options = { withCredentials, lastEventId, signal, ...(token ? { token } : {}) };
  const connection = connect(address.href, options);
  /** @type {string | null} what `stale` said, until `fresh` */
  let stale = null;
  /** @param {object} told */
  const say = (told) => {
    const { readyState, status, lastActivity } = connection;
    channel.postMessage({ leader, readyState, status, lastActivity, stale, ...told });
  };
  const sayPlace = () => say({ type: 'place', id: connection.lastEventId });
  for (const type of /** @type {const} */ (['message', 'delete', 'leave', 'gap', 'live'])) {
    connection.addEventListener(type, ({ data, lastEventId: id, origin }) =>
      say({ type, data, id, origin }),
    );
  }
  for (const type of /** @type {const} */ (['stale', 'fresh'])) {
    connection.addEventListener(type, ({ data }) => {
      stale = type === 'stale' ? data : null;
      say({ type });
    });
  }
  connection.addEventListener('open', () => {
    stale = null;
    say({ type: 'open' });
  });
  connection.addEventListener('unauthorized', () => say({ type: 'unauthorized' }));
  connection.addEventListener('place', sayPlace);
  connection.addEventListener('statuschange', () => {
    // That this one leads no more does not close the others.
    if (connection.status !== 'closed') say({ type: 'status' });
  });
  channel.onmessage = ({ data }) => {
    // Nothing tells a worker that the device has slept.
    if (data.wakes) connection.wake();
    if (data.asks) sayPlace();
  };
  sayPlace();
  /** @type {Promise<void>} */
  const over = new Promise((done) => {
    signal.addEventListener('abort', () => done());
    connection.addEventListener('error', ({ error, retryMs }) => {
      say({ type: 'error', message: error.message, httpStatus: error.status, retryMs });
      if (retryMs === null) done();
    });
  });
  await over;
  channel.close();
}
