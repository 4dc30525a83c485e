/** @import { Settings } from './address.js' */
/** @import { State } from './stream.js' */

/** A script is not told whether it was the certificate. */
const TRUST = ' A server with a certificate of its own making has to be visited and trusted first.';

/** @type {Readonly<Record<State['name'], readonly [title: string, text: string]>>} */
const BY_STATE = {
  idle: [
    'Nothing read yet',
    'Go connects the browser to the topic. Publish a message to see it arrive:',
  ],
  connecting: ['Connecting', 'Waiting for the server to answer.'],
  replaying: ['Replaying', 'Waiting for the first message of the topic.'],
  live: ['No messages yet', 'What is published arrives here at once:'],
  open: ['No messages yet', 'What is published arrives here at once:'],
  stale: ['No messages', 'The gateway gets no answer from Kafka. What is new comes once it does.'],
  retrying: ['No connection', 'The page tries again by itself, and misses nothing.'],
  refused: ['Not let in', 'The page asks again by itself, and misses nothing.'],
  ended: ['Ended', 'The stream was stopped. Go starts it again.'],
  failed: ['There is no stream', 'Look at what is asked for above, and Go again.'],
};

/**
 * What stands where nothing is to be shown.
 *
 * @typedef {object} Situation
 * @property {State} state
 * @property {Settings} settings what is read, with the start that it has
 * @property {number} kept records
 * @property {number} keys
 * @property {string} end what came and is not kept, in words
 * @property {boolean} isElsewhere the stream is of another server than the page
 *
 * @param {Situation} situation
 * @returns {{ title: string, text: string, isPublishing: boolean, isAsking: boolean }} `isAsking`: the gateway
 *   may know of a key that is not here
 */
export function emptyWords({ state, settings, kept, keys, end, isElsewhere }) {
  const { view, filter, key, where, start } = settings;
  const plain = { isPublishing: false, isAsking: false };
  if (kept > 0 && view === 'table' && keys === 0) {
    const text =
      end === ''
        ? 'All keys that came were deleted again.'
        : 'The records have none, or the stream shows values alone: choose “key, offset, value”, and Go again.';
    return { ...plain, title: 'No keys', text };
  }
  if (kept > 0 && filter !== '') {
    const text = [
      `Nothing that is kept here has “${filter}” in its key, value or headers.`,
      ...(end === '' ? [] : [`${end}.`]),
      ...(start === 'newest' ? ['Only the newest of the topic were read.'] : []),
    ].join(' ');
    return { ...plain, title: 'Nothing matches', text, isAsking: !isElsewhere && key !== filter };
  }
  const isFiltered = key !== '' || where !== '';
  if (isFiltered && ['live', 'open'].includes(state.name)) {
    const among = start === 'newest' ? ' among its newest 100; the beginning has all' : '';
    const text = `The gateway has no record that matches${among}. One that does arrives here at once.`;
    return { ...plain, title: 'Nothing matches yet', text };
  }
  const [title, text] = BY_STATE[state.name];
  const isPublishing = ['idle', 'live', 'open'].includes(state.name);
  const isUntrusted = state.name === 'retrying' && isElsewhere;
  return { ...plain, title, text: isUntrusted ? text + TRUST : text, isPublishing };
}
