import { markedText } from './marks.js';

/** @import { StreamRecord } from './stream_record.js' */

const numbers = new Intl.NumberFormat('en');

/**
 * A count, with separators.
 * @param {number} count
 */
export function formatCount(count) {
  return numbers.format(count);
}

/**
 * A key as the page writes it.
 * @param {Pick<StreamRecord, 'key' | 'isBinaryKey'>} record
 */
export function formatKey({ key, isBinaryKey }) {
  if (key === undefined) return '';
  if (key === null) return 'none';
  if (key === '') return '(empty)';
  return isBinaryKey ? `base64 ${key}` : markedText(key);
}
