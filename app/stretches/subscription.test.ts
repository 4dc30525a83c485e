import { describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { formatByName, TEXT } from '../views/format.ts';
import { PLAIN, type View, viewIn } from '../views/view.ts';
import { Sleepers } from './sleepers.ts';
import type { Start } from './step.ts';
import { Subscription } from './subscription.ts';

const decoder = new TextDecoder();
const NEW = { cursor: null, since: null };
const JSON_VIEW = viewIn(formatByName('json')!);

function subscribe(topic: MemoryTopic, start: Start = NEW, view: View = PLAIN): Subscription {
  return new Subscription(topic, view, start, new Sleepers());
}

/** All that there is for a client now. */
function taken(client: Subscription): string {
  let text = '';
  for (let bytes = client.take(); bytes !== null; bytes = client.take()) {
    text += decoder.decode(bytes);
  }
  return text;
}

describe('Subscription', () => {
  test('Subscription.take() hands a block that is larger than 64 kB out in parts', () => {
    const topic = new MemoryTopic();
    topic.append('x'.repeat(100_000));
    topic.append('y');
    const client = subscribe(topic);
    expect([client.take()!.length, client.isWithinBlock]).toEqual([64 * 1024, true]);
    expect(decoder.decode(client.take()!)).toMatch(/^x+\nid:.+\n\n$/);
    expect([client.isWithinBlock, taken(client)]).toEqual([false, 'data:y\nid:AgECAwQCAAQ=\n\n']);
  });

  test('Subscription.take() tells a client once that it is live, behind all that was there', () => {
    const topic = new MemoryTopic();
    topic.append('a');
    const client = subscribe(topic, NEW, JSON_VIEW);
    topic.append('b');
    const events = [...taken(client).matchAll(/event:(\w+)|"value":"(\w)"/g)];
    expect(events.map(([, event, value]) => event ?? value)).toEqual(['a', 'b', 'live']);
    topic.append('c');
    expect(taken(client)).not.toContain('event:live');
  });

  test('Subscription.take() tells that its topic is stale and fresh where a block ends, at no place', () => {
    const topic = new MemoryTopic();
    topic.append('x'.repeat(100_000));
    const client = subscribe(topic);
    client.take();
    topic.staleBlock = new TextEncoder().encode('event:stale\n\n');
    expect(decoder.decode(client.take()!)).toMatch(/^x+\nid:.+\n\n$/);
    expect(client.take()).toBe(topic.staleBlock);
    topic.append('y');
    expect(taken(client)).toMatch(/^data:y/);
    topic.staleBlock = null;
    expect(taken(client)).toBe('event:fresh\ndata:{}\n\n');
    // A change that is over before the client could take it is none to it.
    topic.staleBlock = new TextEncoder().encode('event:stale\n\n');
    topic.staleBlock = null;
    expect(taken(client)).toBe('');
    expect(topic.traffic.eventsSent).toBe(4);
  });

  test('Subscription.take() tells the place first to one that begins with what comes', () => {
    const topic = new MemoryTopic();
    topic.append('a');
    const client = subscribe(topic, { cursor: null, since: 'latest' });
    expect(decoder.decode(client.take()!)).toBe('id:AgECAwQCAAI=\n\n');
    topic.append('b');
    expect(taken(client)).toBe('data:b\nid:AgECAwQCAAQ=\n\n');
  });

  test('Subscription.take() goes through history to memory with ids without a break', async () => {
    const topic = new MemoryTopic({ partitions: 2 });
    for (let n = 0; n < 6; n++) topic.append(`${n}`, n % 2);
    // As if memory held the last record of each partition alone.
    topic.log.start = Float64Array.of(2, 2);
    topic.starts = Float64Array.of(0, 0);
    const client = subscribe(topic);
    expect(client.take()).toBeNull();
    topic.answer(topic.state);
    const text = await eventually('all six records', async () => {
      const some = taken(client);
      return some === '' ? null : some;
    });
    const values = [...text.matchAll(/data:(\d)/g)].map(([, value]) => Number(value));
    expect(values.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    topic.history.close();
    client.close();
  });

  test('Subscription.take() tells of what was deleted before it could be read back', async () => {
    const topic = new MemoryTopic();
    for (const value of 'abcd') topic.append(value);
    topic.log.start = Float64Array.of(4);
    topic.deletedBelow.set(0, 3);
    const cursor = { topicId: topic.topicId, offsets: new Map([[0, 1]]) };
    const client = subscribe(topic, { cursor, since: null });
    const text = await eventually('a gap', async () => taken(client) || null);
    const gap = {
      reason: 'retention',
      topic: 'events',
      partitions: [{ partition: 0, from: 1, to: 3 }],
    };
    expect(text).toBe(
      `event:gap\ndata:${JSON.stringify(gap)}\nid:AgECAwQCAAY=\n\ndata:d\nid:AgECAwQCAAg=\n\n`,
    );
    expect(topic.traffic.gapsSent.retention).toBe(1);
    topic.history.close();
    client.close();
  });

  test('Subscription.take() tells an idle client its place, once, where that has moved past its id', () => {
    const topic = new MemoryTopic();
    topic.append('a');
    const client = subscribe(topic);
    const idle = (): string | null => {
      const bytes = client.take(true);
      return bytes === null ? null : decoder.decode(bytes);
    };
    expect([taken(client), idle()]).toEqual(['data:a\nid:AgECAwQCAAI=\n\n', null]);
    topic.append('b');
    topic.pass(0, 5);
    expect(taken(client)).toBe('data:b\nid:AgECAwQCAAQ=\n\n');
    const place = 'event:place\ndata:{}\nid:AgECAwQCAAo=\n\n';
    expect([idle(), idle(), topic.traffic.eventsSent]).toEqual([place, null, 3]);
    topic.pass(0, 6);
    topic.append('c');
    expect([idle(), taken(client), idle()]).toEqual(['data:c\nid:AgECAwQCAA4=\n\n', '', null]);
  });

  test('Subscription.take() counts what a place has told: a loss behind it is one', () => {
    const topic = new MemoryTopic();
    const client = subscribe(topic);
    expect(client.take(true)).toBeNull();
    topic.pass(0, 2);
    expect(decoder.decode(client.take(true)!)).toBe('event:place\ndata:{}\nid:AgECAwQCAAQ=\n\n');
    topic.lose(0, 4);
    expect(taken(client)).toContain('"from":2,"to":4');
  });

  describe('of a client whose stream ends once it has all', () => {
    const UNTIL_LIVE = { waitMs: 0 };
    const events = (client: Subscription): string[] =>
      [...taken(client).matchAll(/event:(\w+)|data:(\w)/g)].map(
        ([, event, data]) => event ?? data!,
      );
    const untilLive = (topic: MemoryTopic, start: Start = NEW, waitMs = 0): Subscription =>
      new Subscription(topic, PLAIN, start, new Sleepers(), { waitMs });

    test('Subscription.take() tells it, in text too, once the feed has read what Kafka had', () => {
      const topic = new MemoryTopic();
      topic.append('a');
      const client = untilLive(topic);
      expect(events(client)).toEqual(['a']);
      expect([client.isOver, topic.asked, client.isAhead]).toEqual([false, [null], true]);
      // Another gateway may have read what this one has not.
      topic.ends.set(0, 3);
      topic.answer(topic.state);
      expect(events(client)).toEqual([]);
      topic.append('b');
      topic.ends.set(0, 3);
      expect([events(client), client.isOver]).toEqual([['b'], false]);
      topic.append('c');
      expect(events(client)).toEqual(['c', 'live']);
      expect([client.isOver, client.isAhead]).toEqual([true, false]);
      client.close();
    });

    test('Subscription.take() tells it at what this gateway has while the topic is stale', () => {
      const topic = new MemoryTopic();
      topic.append('a');
      const client = untilLive(topic);
      expect(events(client)).toEqual(['a']);
      topic.staleBlock = new TextEncoder().encode('event:stale\n\n');
      expect([events(client), client.isOver]).toEqual([['stale', 'live'], true]);
      expect(topic.isAsked).toBe(false);
    });

    test('Subscription.take() tells it where a log ends that was cut below what Kafka had', () => {
      const topic = new MemoryTopic();
      topic.append('a');
      const client = untilLive(topic);
      events(client);
      topic.answer({ ...topic.state, ends: new Map([[0, 5]]) });
      topic.ends.set(0, 5);
      expect(events(client)).toEqual([]);
      topic.ends.set(0, 1);
      expect([events(client), client.isOver]).toEqual([['live'], true]);
    });

    test('Subscription.take() asks again where the topic was another for a moment', () => {
      const topic = new MemoryTopic();
      const client = untilLive(topic);
      expect(events(client)).toEqual([]);
      topic.answer(null);
      expect(topic.asked).toEqual([null, null]);
      topic.answer(topic.state);
      expect(events(client)).toEqual(['live']);
    });

    test('Subscription.take() leaves no key out that was superseded before the client had it', () => {
      const topic = new MemoryTopic({ compacted: true });
      for (let n = 0; n < 3; n++) topic.append(`${n}`.repeat(50_000), 0, `${n}`);
      const client = untilLive(topic);
      expect(decoder.decode(client.take()!)).toMatch(/^data:0+\n/);
      topic.answer(topic.state);
      // Of the last key there is nothing left below the end that was there.
      topic.append('3', 0, '2');
      expect(events(client)).toEqual(['1', '3', 'live']);
    });

    test('Subscription.take() waits for the first record or gap, and no longer than it was asked', () => {
      jest.useFakeTimers();
      const topic = new MemoryTopic();
      topic.append('a');
      const has = untilLive(topic, NEW, 1000);
      has.take();
      topic.answer(topic.state);
      expect(events(has)).toEqual(['live']);
      const clients = [0, 1].map(() => {
        const client = untilLive(topic, { cursor: null, since: 'latest' }, 1000);
        topic.answer(topic.state);
        expect(events(client)).toEqual([]);
        return client;
      });
      let woken = 0;
      clients[0]!.wait(() => woken++);
      jest.advanceTimersByTime(999);
      topic.append('b');
      expect([events(clients[1]!), clients[1]!.isOver]).toEqual([['b', 'live'], true]);
      expect(woken).toBe(0);
      const late = untilLive(topic, { cursor: null, since: 'latest' }, 1000);
      topic.answer(topic.state);
      jest.advanceTimersByTime(1000);
      expect([events(late), woken]).toEqual([['live'], 1]);
      for (const client of [has, ...clients, late]) client.close();
      expect(jest.getTimerCount()).toBe(0);
      jest.useRealTimers();
    });

    test('Subscription.close() takes back what is asked of Kafka', () => {
      const topic = new MemoryTopic();
      const client = new Subscription(topic, PLAIN, NEW, new Sleepers(), UNTIL_LIVE);
      client.take();
      expect(topic.isAsked).toBe(true);
      client.close();
      expect(topic.isAsked).toBe(false);
    });
  });

  describe('of a compacted topic from which Kafka drops a delete', () => {
    const DELETE = { partition: 0, offset: 1, seq: 1 };
    /** A key that was deleted, and another one. */
    const topicWithDelete = (): MemoryTopic => {
      const topic = new MemoryTopic({ compacted: true });
      topic.log.onDropped = (dropped) => {
        for (const client of topic.clients) client.lacks(dropped);
      };
      topic.append('a', 0, 'k');
      return topic;
    };
    const at = (topic: MemoryTopic, next: number): Start => ({
      cursor: { topicId: topic.topicId, offsets: new Map([[0, next]]) },
      since: null,
    });
    const told = (topic: MemoryTopic, client: Subscription): string => {
      const text = taken(client);
      if (!topic.isAsked) return text;
      topic.answer(topic.state);
      return text + taken(client);
    };

    const ofKey = new Filter([{ field: 'key', values: [constantOf('k')] }], []);
    const selecting: View = { format: TEXT, filter: ofKey, pace: null, clients: 1 };

    test.each([
      ['shares the log', NEW, 'data:a', PLAIN],
      ['came back', at(new MemoryTopic(), 1), '', PLAIN],
      ['has asked for its key', NEW, 'data:a', selecting],
    ])(
      'Subscription.take() starts over with one that %s and stands below it',
      (_, start, first, view) => {
        const topic = topicWithDelete();
        const client = subscribe(topic, start, view);
        expect(taken(client)).toContain(first);
        topic.append(null, 0, 'k');
        topic.append('b', 0, 'l');
        topic.log.forget([DELETE]);
        const gap = {
          reason: 'deletes',
          topic: 'events',
          partitions: [{ partition: 0, from: 1, to: 0 }],
        };
        const others = view === PLAIN ? 'data:b\nid:AgECAwQCAAY=\n\n' : '';
        expect(told(topic, client)).toBe(
          `event:gap\ndata:${JSON.stringify(gap)}\nid:AgECAwQCAAA=\n\n${others}`,
        );
        topic.log.forget([DELETE]);
        expect(told(topic, client)).toBe('');
      },
    );

    test('Subscription.take() tells nothing to one that has had it, or came when it was there', () => {
      const topic = topicWithDelete();
      const client = subscribe(topic);
      taken(client);
      topic.append(null, 0, 'k');
      const late = subscribe(topic);
      expect(taken(client)).toContain('event:delete');
      late.take();
      const newest = subscribe(topic);
      topic.log.forget([DELETE]);
      topic.append('b', 0, 'l');
      for (const each of [client, late, newest]) {
        expect(told(topic, each)).toBe('data:b\nid:AgECAwQCAAY=\n\n');
      }
    });

    test('Subscription.close() lets go of what is told of it', () => {
      const topic = topicWithDelete();
      const client = subscribe(topic);
      expect(topic.clients.size).toBe(1);
      client.close();
      expect(topic.clients.size).toBe(0);
    });
  });

  test('Subscription.close() ends its wait', () => {
    const sleepers = new Sleepers();
    const client = new Subscription(new MemoryTopic(), PLAIN, NEW, sleepers);
    let woken = 0;
    client.wait(() => woken++);
    client.close();
    sleepers.wakeAll();
    expect([sleepers.size, woken]).toEqual([0, 0]);
  });
});
