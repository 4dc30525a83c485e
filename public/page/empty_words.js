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
  failed: ['There is no stream', 'Look at the location, and Go again.'],
};

/**
 * What stands where nothing is to be shown.
 * @param {{ state: State, settings: Settings, kept: number, hasKeys: boolean, isElsewhere: boolean }} situation
 *   `isElsewhere`: the stream is of another origin than the page
 * @returns {{ title: string, text: string, isPublishing: boolean }}
 */
export function emptyWords({ state, settings, kept, hasKeys, isElsewhere }) {
  const { view, filter } = settings;
  if (kept > 0 && view === 'table' && !hasKeys) {
    const text =
      'The records have none, or the stream shows values alone: choose “key, offset, value”, and Go again.';
    return { title: 'No keys', text, isPublishing: false };
  }
  if (kept > 0 && filter !== '') {
    const text = `None of those that are kept has “${filter}” in its key, value or headers.`;
    return { title: 'Nothing matches', text, isPublishing: false };
  }
  const [title, text] = BY_STATE[state.name];
  const isPublishing = ['idle', 'live', 'open'].includes(state.name);
  const isUntrusted = state.name === 'retrying' && isElsewhere;
  return { title, text: isUntrusted ? text + TRUST : text, isPublishing };
}
