import { describe, expect, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { IdClock } from '../log/id_clock.ts';
import { PLAIN } from '../views/view.ts';
import { Client } from './client.ts';
import { Shared } from './shared.ts';

const decoder = new TextDecoder();

function topicOf(...values: string[]): MemoryTopic {
  const topic = new MemoryTopic();
  for (const value of values) topic.append(value);
  return topic;
}

function share(topic: MemoryTopic, seq: number, liveFrom = seq): Shared {
  return new Shared(new Client(topic, PLAIN), topic.log, seq, liveFrom);
}

/** Larger than half of memory, so that those before it leave. */
const LARGE = 'x'.repeat(2 ** 19);

describe('Shared', () => {
  test('Shared.take() gives all who stand at one place the very same array', () => {
    const topic = topicOf('a', 'b');
    const [one, other] = [share(topic, 0), share(topic, 0)];
    const bytes = one.take();
    expect(decoder.decode(bytes as Uint8Array)).toBe(
      'data:a\nid:AgECAwQCAAI=\n\ndata:b\nid:AgECAwQCAAQ=\n\n',
    );
    expect(other.take()).toBe(bytes);
    expect([one.take(), topic.traffic.eventsSent]).toEqual([null, 4]);
  });

  test('Shared.take() gives the same array until its ids are too old, and then one for all again', () => {
    let now = 1_769_860_800_900;
    const clock = new IdClock(() => now);
    clock.retentionMs = 8000;
    const topic = new MemoryTopic({ compacted: true, clock });
    topic.append('a', 0, 'k');
    const first = share(topic, 0).take() as Uint8Array;
    expect(decoder.decode(first)).toBe('data:a\nid:AgECAwQCAAI=/~t9q9c0\n\n');
    now += 1100;
    topic.append('b', 0, 'l');
    const both = 'data:a\nid:AgECAwQCAAI=/~t9q9c0\n\ndata:b\nid:AgECAwQCAAQ=/~t9q9c2\n\n';
    expect(decoder.decode(share(topic, 0).take() as Uint8Array)).toBe(both);
    now += 100;
    const anew = share(topic, 0).take() as Uint8Array;
    expect(decoder.decode(anew)).toBe(both.replace('c0', 'c2'));
    expect(share(topic, 0).take()).toBe(anew);
    expect(decoder.decode(first)).toBe('data:a\nid:AgECAwQCAAI=/~t9q9c0\n\n');
  });

  test('Shared.take() counts the time of delivery of live records alone', () => {
    const topic = new MemoryTopic();
    const add = countDeliveries(topic);
    topic.append('before');
    share(topic, 0, 1).take();
    expect(add.calls).toBe(0);
    share(topic, 0).take();
    expect(add.calls).toBe(1);
  });

  test('Shared.take() resumes at its place once that has left memory', () => {
    const topic = topicOf('a', 'b');
    const shared = share(topic, 2);
    for (let n = 0; n < 3; n++) topic.append(LARGE);
    expect(shared.take()).toEqual({
      resume: topic.log,
      place: { topicId: topic.topicId, positions: Float64Array.of(2), unknown: [] },
      first: null,
    });
  });

  test('Shared.take() opens again in the log that took the place of its own', () => {
    const topic = topicOf('a');
    const shared = share(topic, 1);
    topic.log.successor = topic.newLog();
    const cursor = { topicId: topic.topicId, offsets: new Map([[0, 1]]) };
    expect(shared.take()).toEqual({ open: { cursor, since: null, lacksDeletes: false } });
  });

  test('Shared.isPast() compares numbers in its own log, and cursors with another', () => {
    const topic = topicOf('a');
    const end = topic.log.end();
    const shared = share(topic, 0);
    const elsewhere = { ...end, log: topic.newLog() };
    expect([shared.isPast(end), shared.isPast(elsewhere)]).toEqual([false, false]);
    shared.take();
    expect([shared.isPast(end), shared.isPast(elsewhere)]).toEqual([true, true]);
  });
});

/** Counts what is added to the times of delivery. */
function countDeliveries(topic: MemoryTopic): { calls: number } {
  const counter = { calls: 0 };
  topic.traffic.deliveryTimes.add = () => {
    counter.calls++;
  };
  return counter;
}
