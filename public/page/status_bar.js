import { formatCount } from './record_words.js';
import { setText } from './set_text.js';
import { describeState, explainState } from './state_words.js';

/** @import { State } from './stream.js' */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * How the stream stands, and how far it is.
 * @param {State} state
 * @param {{ records: number, perSecond: number, keys: number, gaps: number, lastId: string }} progress
 * @param {{ records: string, keys: string }} kept how much of it is kept, in words
 */
export function showStatus(state, { records, perSecond, keys, gaps, lastId }, kept) {
  byId('state').dataset['state'] = state.name;
  const now = Date.now();
  setText(byId('state'), describeState(state, now));
  setText(byId('reason'), explainState(state, now));
  byId('progress').hidden = state.name === 'idle';
  setText(byId('count'), formatCount(records));
  setText(byId('count-kept'), kept.records);
  setText(byId('rate'), formatCount(perSecond));
  setText(byId('keys'), formatCount(keys));
  setText(byId('keys-of'), kept.keys);
  byId('keys-item').hidden = keys === 0;
  setText(byId('gaps'), formatCount(gaps));
  byId('gaps-item').hidden = gaps === 0;
  setText(byId('last-id'), lastId);
  byId('last-id-item').hidden = lastId === '';
}
