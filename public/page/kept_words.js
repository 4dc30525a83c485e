import { formatCount } from './record_words.js';

/** @import { RecordList } from './record_list.js' */
/** @import { RecordTable } from './record_table.js' */

/**
 * What came and is no longer kept, or has no row: for the bar, and below the last row.
 * @param {'messages' | 'table'} view
 * @param {{ list: RecordList, table: RecordTable }} shown
 * @returns {{ records: string, keys: string, end: string }} empty where all is there
 */
export function keptWords(view, { list, table }) {
  const older = list.total - list.kept;
  const { keys: gone, hasMore } = table.evicted;
  const all = `${hasMore ? 'more than ' : ''}${formatCount(table.keys + gone)}`;
  const records = older === 0 ? '' : `, ${formatCount(list.kept)} kept`;
  const keys = gone === 0 ? '' : ` kept of ${all}`;
  if (view === 'messages') {
    const end = `The newest ${counted(list.kept, 'record')} are kept here; ${counted(older, 'older one')} came and left`;
    return { records, keys, end: older === 0 ? '' : end };
  }
  const parts = [];
  if (gone > 0) {
    parts.push(`${formatCount(table.keys)} of ${all} keys are kept here, those that changed last`);
  }
  const { keyless } = table;
  if (keyless > 0) {
    parts.push(
      `${counted(keyless, 'record')} without a key ${keyless === 1 ? 'has' : 'have'} no row`,
    );
  }
  return { records, keys, end: parts.join('; ') };
}

/**
 * @param {number} count
 * @param {string} what
 */
function counted(count, what) {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}
