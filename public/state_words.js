/** @import { State } from './stream.js' */

const WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting',
  replaying: 'Replaying',
  live: 'Live',
  open: 'Connected',
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
 */
export function explainState({ name, reason }) {
  if (name === 'retrying') return reason ?? 'the connection was lost';
  return reason ?? '';
}
