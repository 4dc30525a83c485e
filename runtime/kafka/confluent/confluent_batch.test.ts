import type kafka from '@confluentinc/kafka-javascript';
import { expect, test } from '@jest/globals';
import { toBatch } from './confluent_batch.ts';

const message = (partition: number, offset: number, more: object = {}): kafka.Message =>
  ({ topic: 't', partition, offset, size: 1, value: Buffer.from('v'), ...more }) as kafka.Message;

const end = (partition: number, offset: number): kafka.TopicPartitionOffset => ({
  topic: 't',
  partition,
  offset,
});

test('toBatch() goes past what holds no records, to the end that was reached', () => {
  const { positions } = toBatch({ messages: [message(0, 4)], ends: [end(0, 7), end(1, 3)] });
  expect([...positions]).toEqual([
    [0, 7],
    [1, 3],
  ]);
});

test('toBatch() never goes to an end that lies before records of the same read', () => {
  const { positions } = toBatch({ messages: [message(0, 5), message(0, 6)], ends: [end(0, 5)] });
  expect([...positions]).toEqual([[0, 7]]);
});

test('toBatch() takes keys and headers as bytes, whatever the client makes of them', () => {
  const proto = Object.setPrototypeOf({}, Buffer.from('p'));
  const headers = [{ etag: Buffer.from('r4') }, { text: 'r5' }, proto];
  const [record] = toBatch({ messages: [message(0, 0, { key: 'k', headers })], ends: [] }).records;
  expect(record).toEqual({
    partition: 0,
    offset: 0,
    timestamp: -1,
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    headers: [
      ['etag', Buffer.from('r4')],
      ['text', Buffer.from('r5')],
      ['__proto__', Buffer.from('p')],
    ],
  });
});

test('toBatch() keeps null apart from empty in keys and values', () => {
  const messages = [
    message(0, 0, { key: null, value: null }),
    message(0, 1, { key: Buffer.alloc(0), value: Buffer.alloc(0) }),
  ];
  const { records } = toBatch({ messages, ends: [] });
  expect(records.map(({ key, value }) => [key?.length ?? null, value?.length ?? null])).toEqual([
    [null, null],
    [0, 0],
  ]);
});
