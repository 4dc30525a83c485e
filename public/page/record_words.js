/** @import { StreamRecord } from './stream_record.js' */

const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
const numbers = new Intl.NumberFormat('en');

/**
 * A count, with separators.
 * @param {number} count
 */
export function formatCount(count) {
  return numbers.format(count);
}

/**
 * The time of day where it is today, else the day as well; always of the same width or less.
 * @param {number} time Unix milliseconds
 * @param {number} now
 */
export function formatTime(time, now) {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  if (date.toDateString() === new Date(now).toDateString()) {
    return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  }
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

/**
 * A key as the page writes it.
 * @param {Pick<StreamRecord, 'key' | 'isBinaryKey'>} record
 */
export function formatKey({ key, isBinaryKey }) {
  if (key === undefined) return '';
  if (key === null) return 'none';
  if (key === '') return '(empty)';
  return isBinaryKey ? `base64 ${key}` : key;
}
