import { expect, test } from '@jest/globals';
import { startsOf } from './several_cursors.ts';

const id = (byte: number): Uint8Array => Uint8Array.of(byte, byte, byte, byte);
const hash = (byte: number): Uint8Array => Uint8Array.of(0, 0, 0, byte);
const A = { nameHash: hash(1), id: id(1) };
const B = { nameHash: hash(2), id: id(2) };
const offsets = new Map([[0, 7]]);
const NEW = { cursor: null, since: null };

test('startsOf() counts the cursor of one topic for the one that has its id bytes', () => {
  const cursor = { topicId: id(2), offsets, time: 5 };
  const start = { cursor, since: 'latest' as const };
  expect(startsOf(start, [A, B])).toEqual([NEW, { cursor, since: null }]);
  // Also where another is not known yet.
  expect(startsOf(start, [{ ...A, id: undefined }, B])).toEqual([NEW, { cursor, since: null }]);
});

test('startsOf() waits for a topic that may have the id bytes, but for none that does not exist', () => {
  const start = { cursor: { topicId: id(3), offsets }, since: null };
  expect(startsOf(start, [A, { ...B, id: undefined }])).toBeNull();
  const unreadable = { cursor: 'unreadable', since: null };
  expect(startsOf(start, [A, { ...B, id: null }])).toEqual([unreadable, unreadable]);
});

test('startsOf() takes zeros, and bytes that none or several have, for unreadable in all', () => {
  const unreadable = { cursor: 'unreadable', since: -5 };
  for (const byte of [0, 1, 9]) {
    const start = { cursor: { topicId: id(byte), offsets }, since: -5 };
    const topics = [A, { ...B, id: id(1) }];
    expect([byte, startsOf(start, topics)]).toEqual([byte, [unreadable, unreadable]]);
  }
});

test('startsOf() gives each topic its part of the cursor of several, and begins anew in others', () => {
  const part = { nameHash: hash(2), topicId: id(2), offsets };
  const dropped = { ...part, nameHash: hash(9) };
  const start = { cursor: { topics: [dropped, part], time: 5 }, since: 'latest' as const };
  const cursor = { topicId: id(2), offsets, time: 5 };
  expect(startsOf(start, [A, B])).toEqual([NEW, { cursor, since: null }]);
});
