import { formatCount } from './record_words.js';
import { setText } from './set_text.js';
import { describeState, explainState } from './state_words.js';

/** @import { State } from './stream.js' */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * How the stream stands, and how far it is.
 * @param {State} state
 * @param {{ records: number, perSecond: number, keys: number, gaps: number, lastId: string }} progress
 */
export function showStatus(state, { records, perSecond, keys, gaps, lastId }) {
  byId('state').dataset['state'] = state.name;
  const now = Date.now();
  setText(byId('state'), describeState(state, now));
  setText(byId('reason'), explainState(state, now));
  byId('progress').hidden = state.name === 'idle';
  setText(byId('count'), formatCount(records));
  setText(byId('rate'), formatCount(perSecond));
  setText(byId('keys'), formatCount(keys));
  byId('keys-item').hidden = keys === 0;
  setText(byId('gaps'), formatCount(gaps));
  byId('gaps-item').hidden = gaps === 0;
  setText(byId('last-id'), lastId);
  byId('last-id-item').hidden = lastId === '';
}
