/** @import { StreamRecord } from './stream_record.js' */

/**
 * Whether key, value, a header or the topic's name has the text, in capitals or not. A gap always shows: it tells of
 * records that might have had it.
 * @param {StreamRecord} record
 * @param {string} text
 */
export function matches({ kind, topic, key, value, headers }, text) {
  if (text === '' || kind === 'gap') return true;
  const wanted = text.toLowerCase();
  const has = (/** @type {string | null | undefined} */ part) =>
    part?.toLowerCase().includes(wanted) === true;
  return (
    has(value) ||
    has(key) ||
    has(topic) ||
    headers.some(([name, content]) => has(name) || has(content))
  );
}
