import { expect, test } from '@jest/globals';
import { keptWords } from '../../public/page/kept_words.js';
import { RecordList } from '../../public/page/record_list.js';
import { RecordTable } from '../../public/page/record_table.js';
import { newRecord } from './records.ts';

test('keptWords() say what came and is no longer kept', () => {
  const [list, table] = [new RecordList(), new RecordTable()];
  const add = (key: string | null): void => {
    const record = newRecord({ key });
    list.add(record);
    table.add(record);
  };
  for (let i = 0; i < 10_000; i++) add(`${i}`);
  expect(keptWords('messages', { list, table })).toEqual({ records: '', keys: '', end: '' });
  add(null);
  expect(keptWords('table', { list, table }).end).toBe('1 record without a key has no row');
  for (let i = 0; i < 12_000; i++) add(`more ${i}`);
  expect(keptWords('messages', { list, table })).toEqual({
    records: ', 10,000 kept',
    keys: ' kept of 22,000',
    end: 'The newest 10,000 records are kept here; 12,001 older ones came and left',
  });
  expect(keptWords('table', { list, table }).end).toBe(
    '20,000 of 22,000 keys are kept here, those that changed last; 1 record without a key has no row',
  );
});
