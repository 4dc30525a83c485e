import { describe, expect, test } from '@jest/globals';
import { configure, type LogRecord, reset } from '@logtape/logtape';
import { ConnectionRoom } from './connection_room.ts';

/** @returns what is logged meanwhile */
async function logged(act: () => void): Promise<string[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => records.push(record) },
    loggers: [
      { category: 'sse-kafka', lowestLevel: 'info', sinks: ['memory'] },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
  });
  act();
  await reset();
  return records.map(({ message }) => message.join(''));
}

describe('ConnectionRoom', () => {
  test('leaves files to the rest of the process', () => {
    expect(new ConnectionRoom(1, 1024).max).toBe(904);
    expect(new ConnectionRoom(10, 1024).max).toBe(724);
    // No more than a half of them.
    expect(new ConnectionRoom(1, 110).max).toBe(55);
    expect(new ConnectionRoom(1, null).max).toBe(Number.POSITIVE_INFINITY);
  });

  test('takes so many connections, and one for each that leaves', async () => {
    const room = new ConnectionRoom(1, 8);
    expect(Array.from({ length: 4 }, () => room.enter())).toEqual([true, true, true, true]);
    const words = await logged(() => {
      for (let i = 0; i < 100; i++) expect(room.enter()).toBe(false);
    });
    expect(words).toEqual([expect.stringMatching(/^Connections are dropped: .*ulimit -n/)]);
    room.leave();
    expect([room.enter(), room.enter()]).toEqual([true, false]);
  });

  test('says where MAX_CONNECTIONS does not fit', async () => {
    const room = new ConnectionRoom(1, 1024);
    expect(await logged(() => room.warnOf(904))).toEqual([]);
    expect(await logged(() => room.warnOf(905))).toEqual([
      expect.stringMatching(/MAX_CONNECTIONS .*905.* 1024 open files .* 904 connections/),
    ]);
    expect(await logged(() => new ConnectionRoom(1, null).warnOf(10_000))).toEqual([]);
    expect(await logged(() => room.warnOf(2 * 904, 2))).toEqual([]);
    expect(await logged(() => room.warnOf(2 * 904 + 1, 2))).toEqual([
      expect.stringMatching(/ 1024 open files of each of 2 workers leaves room for 1808 /),
    ]);
  });
});
