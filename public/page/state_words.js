import { formatTime } from './clock.js';

/** @import { State } from './stream.js' */

/** An answer comes at once, or there is something to say. */
const LONG_MS = 5000;

const WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting',
  replaying: 'Replaying',
  live: 'Live',
  stale: 'Out of date',
  open: 'Connected',
  refused: 'Not let in',
  ended: 'Ended',
  failed: 'Failed',
};

/**
 * A state in a word or two.
 * @param {State} state
 * @param {number} now Unix milliseconds
 */
export function describeState({ name, retryAt }, now) {
  if (name !== 'retrying') return WORDS[name];
  if (retryAt === undefined) return 'Retrying';
  return `Retrying in ${Math.max(1, Math.ceil((retryAt - now) / 1000))} s`;
}

/**
 * What is behind a state, where there is more to say.
 * @param {State} state
 * @param {number} now Unix milliseconds
 */
export function explainState({ name, reason, since }, now) {
  if (name === 'stale') {
    const time = formatTime(since ?? now, now);
    return `the gateway has had no answer from Kafka since ${time}; what is new comes once it has`;
  }
  if (name === 'retrying') return reason ?? 'no connection';
  if (since !== undefined && now - since > LONG_MS) {
    return 'no answer yet; over http:// a browser opens six streams to a host at most';
  }
  return reason ?? '';
}
