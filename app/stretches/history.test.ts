import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { IdClock } from '../log/id_clock.ts';
import type { Dropped } from '../log/log.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { TEXT } from '../views/format.ts';
import { PLAIN, type View } from '../views/view.ts';
import { Client } from './client.ts';
import { History } from './history.ts';

const decoder = new TextDecoder();

let topics: MemoryTopic[] = [];
afterEach(() => {
  for (const { history } of topics) history.close();
  topics = [];
});

/** A topic of which Kafka has these values in each partition, and memory nothing. */
function topicBelowMemory(
  partitions: number,
  values: string,
  compacted = false,
  clock: IdClock | null = null,
): MemoryTopic {
  const topic = new MemoryTopic({ partitions, compacted, clock });
  topics.push(topic);
  for (const value of values) {
    for (let partition = 0; partition < partitions; partition++) {
      topic.append(value, partition, compacted ? `key ${value}` : null);
    }
  }
  topic.log.start = topic.log.positions.slice();
  return topic;
}

function readBack(topic: MemoryTopic, positions: number[], view: View = PLAIN): History {
  const { topicId, log } = topic;
  const place = { topicId, positions: Float64Array.from(positions), unknown: [] };
  return new History(new Client(topic, view), log, place);
}

/** The next array, once it has been read. */
function next(history: History): Promise<Uint8Array> {
  return eventually('records that are read back', async () => {
    const bytes = history.take();
    return bytes instanceof Uint8Array ? bytes : null;
  });
}

function valuesOf(bytes: Uint8Array): string {
  return [...decoder.decode(bytes).matchAll(/data:(.*)/g)].map(([, value]) => value).join('');
}

describe('History', () => {
  test('History.take() gives the records of one partition to all as one array', async () => {
    const topic = topicBelowMemory(1, 'abc');
    const [one, other] = [readBack(topic, [0]), readBack(topic, [0])];
    expect([one.take(), other.take()]).toEqual([null, null]);
    const bytes = await next(one);
    expect(decoder.decode(bytes)).toBe(
      'data:a\nid:AgECAwQCAAI=\n\ndata:b\nid:AgECAwQCAAQ=\n\ndata:c\nid:AgECAwQCAAY=\n\n',
    );
    expect(other.take()).toBe(bytes);
    expect(topic.traffic.recordsReadBack).toBe(3);
    expect(topic.traffic.eventsSent).toBe(6);
  });

  test('History.take() goes on from memory once it lacks nothing below', async () => {
    const topic = topicBelowMemory(1, 'abc');
    const history = readBack(topic, [1]);
    expect(valuesOf(await next(history))).toBe('bc');
    expect(history.take()).toMatchObject({ resume: topic.log, first: null });
    expect([...history.place().positions]).toEqual([3]);
  });

  test('History.take() makes a page for all who stand at one place in many partitions', async () => {
    const topic = topicBelowMemory(2, 'ab');
    const crowd = [readBack(topic, [0, 1]), readBack(topic, [0, 1]), readBack(topic, [1, 0])];
    const page = await next(crowd[0]!);
    expect(decoder.decode(page)).toBe(
      'data:a\nid:AgECAwQEAAICAg==\n\ndata:b\nid:AgECAwQEAAQCAg==\n\ndata:b\nid:AgECAwQEAAQCBA==\n\n',
    );
    expect(await next(crowd[1]!)).toBe(page);
    expect(valuesOf(await next(crowd[2]!))).toBe('b');
    expect(valuesOf(await next(crowd[2]!))).toBe('ab');
    expect(topic.traffic.eventsSent).toBe(9);
  });

  test.each([1, 2])(
    'History.take() leaves out what is superseded in %d partitions',
    async (count) => {
      const topic = topicBelowMemory(count, 'aba', true);
      expect(valuesOf(await next(readBack(topic, new Array(count).fill(0))))).toBe(
        'ba'.repeat(count),
      );
    },
  );

  test.each([1, 2])(
    'History.take() makes what it sent to others anew, where its ids are too old, in %d partitions',
    async (partitions) => {
      let now = 1_769_860_800_000;
      const clock = new IdClock(() => now);
      clock.retentionMs = 8000;
      const topic = topicBelowMemory(partitions, 'ab', true, clock);
      const [one, other, late] = [0, 0, 0].map((from) =>
        readBack(topic, new Array(partitions).fill(from)),
      );
      const bytes = await next(one!);
      const timesOf = (some: Uint8Array): string[] => [
        ...new Set([...decoder.decode(some).matchAll(/~(\w+)/g)].map(([, time]) => time!)),
      ];
      expect(timesOf(bytes)).toEqual(['t9q9c0']);
      now += 2000;
      expect(await next(other!)).toBe(bytes);
      now += 1;
      const anew = await next(late!);
      expect([valuesOf(anew), timesOf(anew)]).toEqual([valuesOf(bytes), ['t9q9c2']]);
    },
  );

  test('History.take() is no page for others where it tells of a loss', async () => {
    const topic = topicBelowMemory(2, 'abc');
    topic.deletedBelow.set(0, 2);
    const one = readBack(topic, [0, 3]);
    expect(decoder.decode(await next(one))).toContain('"from":0,"to":2');
    const client = new Client(topic, PLAIN);
    const place = { topicId: topic.topicId, positions: Float64Array.of(0, 3), unknown: [] };
    client.comesTo(topic.log, place.positions, null);
    expect(valuesOf(await next(new History(client, topic.log, place)))).toBe('c');
    expect(topic.traffic.gapsSent.retention).toBe(1);
  });

  test('History.take() has the log forget what it finds that Kafka has dropped', async () => {
    const topic = topicBelowMemory(1, 'ab', true);
    topic.append(null, 0, 'key a');
    topic.append(null, 0, 'key b');
    topic.log.start = topic.log.positions.slice();
    topic.drop(0, 2);
    const dropped: Dropped[] = [];
    topic.log.onDropped = (one) => dropped.push(one);
    expect(decoder.decode(await next(readBack(topic, [0])))).toContain(
      'event:delete\ndata:a2V5IGI=',
    );
    expect(dropped).toEqual([{ log: topic.log, seq: 2, past: Float64Array.of(3) }]);
    expect(topic.log.keys!.deletes).toBe(1);
  });

  test('History.take() opens again in the log that took the place of its own', () => {
    const topic = topicBelowMemory(1, 'a');
    const history = readBack(topic, [0]);
    topic.log.successor = topic.newLog();
    expect(history.take()).toHaveProperty('open');
  });

  test('History.take() goes straight to the latest records of its keys on a compacted topic', async () => {
    const topic = topicBelowMemory(2, 'abcdefghijabc', true);
    const equality = { field: 'key' as const, values: [constantOf('key h'), constantOf('key b')] };
    const filter = new Filter([equality], []);
    const view = { format: TEXT, filter, pace: null, clients: 1 };
    const history = readBack(topic, [0, 0], view);
    expect(history.take()).toBeNull();
    const bytes = await next(history);
    expect(valuesOf(bytes)).toBe('hbhb');
    expect(topic.readsFrom).toEqual([[7, 7]]);
    expect(history.take()).toHaveProperty('resume');
    // None of its keys is there: nothing is read.
    const none = new Filter([{ field: 'key', values: [constantOf('nobody')] }], []);
    expect(readBack(topic, [0, 0], { ...view, filter: none }).take()).toHaveProperty('resume');
    expect(topic.readsFrom).toHaveLength(1);
  });
});
