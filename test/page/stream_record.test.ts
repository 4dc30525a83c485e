import { describe, expect, test } from '@jest/globals';
import { readRecord, type StreamRecord } from '../../public/page/stream_record.js';

const ARRIVAL = { number: 1, received: 5, id: 'id' };
const PLAIN: StreamRecord = {
  ...ARRIVAL,
  kind: 'message',
  topic: null,
  timestamp: null,
  partition: null,
  offset: null,
  key: undefined,
  isBinaryKey: false,
  value: '',
  isBinaryValue: false,
  isDecoded: false,
  schema: null,
  error: '',
  headers: [],
  reason: '',
};
const PLACE = { partition: 0, offset: 5, timestamp: 1_700_000_000_000 };
const json = (members: object): string => JSON.stringify({ ...PLACE, ...members });

describe('readRecord()', () => {
  test.each([
    ['text', 'Hello', { value: 'Hello' }],
    ['JSON that is the value itself', '{"value":"v"}', { value: '{"value":"v"}' }],
    ['what only begins like a record', '{"partition":0,', { value: '{"partition":0,' }],
    ['a record', json({ key: '1', value: 'v' }), { ...PLACE, key: '1', value: 'v' }],
    [
      'a record of several topics',
      `{"topic":"orders",${json({ key: '1', value: 'v' }).slice(1)}`,
      { ...PLACE, topic: 'orders', key: '1', value: 'v' },
    ],
    ['a record without a key', json({ key: null, value: '' }), { ...PLACE, key: null, value: '' }],
    [
      'a value that is JSON',
      json({ key: 'k', value: { a: [1, null] }, schema: 7 }),
      { ...PLACE, key: 'k', value: '{"a":[1,null]}', isDecoded: true, schema: 7 },
    ],
    [
      'a value that could not be read',
      json({ key: 'k', valueBase64: '+/8=', error: 'unknown schema 7' }),
      { ...PLACE, key: 'k', value: '+/8=', isBinaryValue: true, error: 'unknown schema 7' },
    ],
    [
      'a value that is null',
      json({ key: 'k', value: null }),
      { ...PLACE, key: 'k', value: 'null', isDecoded: true },
    ],
    [
      'headers',
      json({ key: 'k', value: 'v', headers: [['a', null, '/w==']] }),
      { ...PLACE, key: 'k', value: 'v', headers: [['a', null, '/w==']] },
    ],
    [
      'bytes that are no UTF-8',
      json({ keyBase64: '/w==', valueBase64: '+/8=' }),
      { ...PLACE, key: '/w==', isBinaryKey: true, value: '+/8=', isBinaryValue: true },
    ],
  ])('takes %s', (_title, data, expected) => {
    expect(readRecord('message', data, ARRIVAL)).toEqual({ ...PLAIN, ...expected });
  });

  test.each([
    ['of the text format', 'w6k=', { key: 'é', value: 'Deleted: key é' }],
    ['with a key that is no text', '_w==', { key: '_w==', isBinaryKey: true }],
    ['of the JSON format', json({ key: 'é', value: null }), { ...PLACE, value: 'Deleted: key é' }],
  ])('takes a delete %s', (_title, data, expected) => {
    expect(readRecord('delete', data, ARRIVAL)).toMatchObject({ kind: 'delete', ...expected });
  });

  test.each([
    ['of the text format', 'w6k='],
    ['of the JSON format', '{"partition":1,"offset":2,"timestamp":3,"key":"é"}'],
  ])('takes a leave %s', (_title, data) => {
    const value = 'Matches no more: key é';
    expect(readRecord('leave', data, ARRIVAL)).toMatchObject({ kind: 'leave', key: 'é', value });
  });

  test('tells a gap in words', () => {
    const partitions = [{ partition: 0, from: 5, to: 12 }];
    const data = JSON.stringify({ reason: 'retention', topic: 'events', partitions });
    expect(readRecord('gap', data, ARRIVAL)).toMatchObject({
      kind: 'gap',
      topic: 'events',
      reason: 'retention',
      value:
        'Gap in events: Kafka had deleted records before they could be sent\n' +
        'partition 0 goes on at 12 instead of 5',
    });
    expect(readRecord('gap', 'other', ARRIVAL).value).toBe('Gap: other');
  });
});
