import { describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { topicOfStream } from '../../test/support/topic_of_stream.ts';
import { IdClock } from '../log/id_clock.ts';
import { cursorFor, findCursor } from '../wire/cursor.ts';
import type { Until } from '../wire/until.ts';
import type { StartOfSeveral } from './several_cursors.ts';
import { type HowItBegins, SeveralTopics } from './several_topics.ts';

const NEW: StartOfSeveral = { cursor: null, since: null };
const decoder = new TextDecoder();

const id = (byte: number): Uint8Array => Uint8Array.of(byte, 0, 0, byte);
const hash = (topic: MemoryTopic): Uint8Array => Uint8Array.of(topic.topic.charCodeAt(0), 1, 2, 3);

/** Topics a, b, c in memory. */
function topics(...options: ConstructorParameters<typeof MemoryTopic>[0][]): MemoryTopic[] {
  return options.map((one, n) => {
    return new MemoryTopic({ topic: 'abc'[n]!, topicId: id(n + 1), ...one });
  });
}

function several(
  all: readonly MemoryTopic[],
  start: StartOfSeveral = NEW,
  until: Until | null = null,
  how: HowItBegins = {},
): SeveralTopics {
  const parts = all.map((topic) => topicOfStream(topic, hash(topic), () => whileTaken?.()));
  return new SeveralTopics(parts, start, until, how);
}

/** What happens next within a take, as where reading back wakes others. */
let whileTaken: (() => void) | null = null;

function take(client: SeveralTopics, isIdle = false): string[] {
  const bytes = client.take(isIdle);
  if (bytes === null) return [];
  return decoder.decode(bytes).match(/(?<="value":")[^"]*|(?<=event:)\w+/g) ?? [];
}

function taken(client: SeveralTopics): string[] {
  const all: string[] = [];
  for (let some = take(client); some.length > 0; some = take(client)) all.push(...some);
  return all;
}

/** Next offsets by topic in the last id, `null` where it does not name one; and its time. */
function idIn(bytes: Uint8Array, all: readonly MemoryTopic[]) {
  const text = /id:(\S+)\n\n$/.exec(decoder.decode(bytes))![1]!;
  const cursor = findCursor([text]);
  if (cursor === null || cursor === 'unreadable' || !('topics' in cursor)) throw new Error(text);
  const parts = all.map((topic) => cursorFor(cursor, hash(topic)));
  return { parts: parts.map((part) => part && [...part.offsets.values()]), time: cursor.time };
}

describe('SeveralTopics', () => {
  test('SeveralTopics.take() takes from all in turn: a busy topic holds no other up', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    for (let n = 0; n < 20; n++) a.append('a'.repeat(10_000));
    b.append('b');
    const client = several([a, b]);
    const pages = [take(client), take(client), take(client)].map((page) =>
      page.map(([one]) => one),
    );
    expect(pages.findIndex((page) => page.includes('b'))).toBeLessThan(2);
  });

  test('SeveralTopics.take() joins what little each has into one array, and says live behind all', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    a.append('1');
    b.append('2');
    const client = several([a, b]);
    expect([take(client), take(client), take(client)]).toEqual([['1', '2'], ['live'], []]);
    const woken = jest.fn();
    client.wait(woken);
    a.append('3');
    a.sleepers.wakeAll();
    expect(woken).toHaveBeenCalledTimes(1);
    expect(taken(client)).toEqual(['3']);
  });

  test('SeveralTopics.take() names a topic that is not loaded as its client did, and holds back that alone', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    a.append('1');
    a.append('2');
    b.append('3');
    const client = several([a, b]);
    const first = client.take()!;
    const cursor = findCursor([/id:(\S+)/.exec(decoder.decode(first))![1]!]);
    b.isLoaded = false;
    const again = several([a, b], { cursor: cursor as StartOfSeveral['cursor'], since: null });
    expect(idIn(again.take()!, [a, b]).parts).toEqual([[2], null]);
    b.isLoaded = true;
    b.sleepers.wakeAll();
    again.wait(() => {});
    expect(taken(again)).toEqual(['3', 'live']);
  });

  test('SeveralTopics.take() waits to know whose the id of one topic is, and begins as soon as it does', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    for (const value of ['1', '2']) b.append(value);
    b.isLoaded = false;
    const client = several([a, b], {
      cursor: { topicId: id(2), offsets: new Map([[0, 1]]) },
      since: null,
    });
    const woken = jest.fn();
    expect(client.take()).toBeNull();
    client.wait(woken);
    b.isLoaded = true;
    b.sleepers.wakeAll();
    expect([woken.mock.calls.length, taken(client)]).toEqual([1, ['2', 'live']]);
    client.close();
    expect([a.sleepers.size, b.sleepers.size, a.clients.size]).toEqual([0, 0, 0]);
  });

  test('SeveralTopics.take() gives each client its own bytes where one is woken while another takes', () => {
    const [a, b, c] = topics({}, {}, {}) as [MemoryTopic, MemoryTopic, MemoryTopic];
    a.append('of a');
    b.append('of b');
    c.append('of c');
    const [client, other] = [several([a, b]), several([b, c])];
    let ofOther: string[] = [];
    let calls = 0;
    whileTaken = () => {
      if (++calls !== 2) return;
      whileTaken = null;
      ofOther = take(other);
    };
    expect([take(client), ofOther]).toEqual([
      ['of a', 'of b'],
      ['of b', 'of c'],
    ]);
  });

  test('SeveralTopics.take() tells by place what it passed of topics that woke nobody, once', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    const client = several([a, b]);
    expect(taken(client)).toEqual(['live']);
    client.wait(() => {});
    // Of records that are not for it its client is not woken.
    b.pass(0, 3);
    expect(idIn(client.take(true)!, [a, b]).parts).toEqual([[0], [3]]);
    expect(client.take(true)).toBeNull();
  });

  test('SeveralTopics.take() tells of the whole that it is stale and fresh, once each', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    const client = several([a, b]);
    expect(taken(client)).toEqual(['live']);
    a.staleBlock = new TextEncoder().encode('event:stale\ndata:{"since":1}\n\n');
    b.staleBlock = new TextEncoder().encode('event:stale\ndata:{"since":2}\n\n');
    expect(taken(client)).toEqual(['stale']);
    a.staleBlock = null;
    expect(taken(client)).toEqual([]);
    b.staleBlock = null;
    expect(taken(client)).toEqual(['fresh']);
  });

  test('SeveralTopics.take() gives ids the earliest time of their topics, and renews them by place', () => {
    let now = 1_700_000_000_000;
    const clock = (behindMs: number): IdClock => {
      const one = new IdClock(() => now);
      one.caughtUpAt = now - behindMs;
      one.retentionMs = 40_000;
      return one;
    };
    const [late, fresh] = [clock(20_000), clock(0)];
    const all = topics({ compacted: true, clock: late }, { compacted: true, clock: fresh }, {});
    all[1]!.append('1', 0, 'k');
    const client = several(all);
    const block = client.take()!;
    expect(idIn(block, all)).toEqual({ parts: [[0], [1], null], time: late.seconds });
    expect(late.seconds).toBeLessThan(fresh.seconds);
    expect(taken(client)).toEqual(['live']);
    expect(client.take(true)).toBeNull();
    now += 15_000;
    late.caughtUpAt = now;
    fresh.caughtUpAt = now;
    expect(client.isAgeing).toBe(true);
    expect(idIn(client.take(true)!, all)).toEqual({
      parts: [[0], [1], [0]],
      time: Math.floor(now / 1000),
    });
    expect([client.isAgeing, client.take(true)]).toEqual([false, null]);
  });

  test('SeveralTopics.expired() says no place beyond what was handed over', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    for (let n = 0; n < 4; n++) a.append('x'.repeat(30_000));
    const client = several([a, b]);
    const { parts } = idIn(client.take()!, [a, b]);
    expect(idIn(client.expired(), [a, b]).parts).toEqual(parts);
  });

  test('SeveralTopics.take() gives a document no record before it is known where each topic begins', () => {
    const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
    a.append('1');
    b.append('2');
    b.isLoaded = false;
    const client = several(
      [a, b],
      { cursor: 'unreadable', since: null },
      { waitMs: 0 },
      { beginsTogether: true },
    );
    expect(taken(client)).toEqual([]);
    b.isLoaded = true;
    client.wait(() => {});
    b.sleepers.wakeAll();
    expect(taken(client)).toEqual(['gap', 'gap', '1', '2']);
    expect(client.endId).toBeNull();
    client.close();
  });

  test('SeveralTopics.take() keeps to one beat for all topics past live, with all there is at each', async () => {
    jest.useFakeTimers();
    try {
      const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
      const client = several([a, b], NEW, null, { everyMs: 250 });
      a.append('0');
      expect(taken(client)).toEqual(['0', 'live']);
      const came: string[] = [];
      const next = (): void => {
        came.push(...taken(client));
        client.wait(next);
      };
      next();
      const append = (topic: MemoryTopic, value: string): void => {
        topic.append(value);
        topic.sleepers.wakeAll();
      };
      // After a long time without an event at once.
      append(a, '1');
      append(b, '2');
      append(a, '3');
      expect(came).toEqual(['1']);
      await jest.advanceTimersByTimeAsync(240);
      expect([came, client.take(true)]).toEqual([['1'], null]);
      await jest.advanceTimersByTimeAsync(20);
      expect(came.toSorted()).toEqual(['1', '2', '3']);
      append(b, '4');
      await jest.advanceTimersByTimeAsync(200);
      expect(came).toHaveLength(3);
      await jest.advanceTimersByTimeAsync(60);
      expect(came.at(-1)).toBe('4');
      client.close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('SeveralTopics.take() brings at the next beat what came within one, from a topic that had no more', async () => {
    jest.useFakeTimers();
    try {
      const [a, b] = topics({}, {}) as [MemoryTopic, MemoryTopic];
      const client = several([a, b], NEW, null, { everyMs: 250 });
      expect(taken(client)).toEqual(['live']);
      for (let n = 0; n < 6; n++) a.append('x'.repeat(n === 0 ? 30_000 : 60_000));
      b.append('0');
      a.sleepers.wakeAll();
      b.sleepers.wakeAll();
      expect(take(client)).toContain('0');
      expect(take(client)).not.toContain('0');
      b.append('late');
      b.sleepers.wakeAll();
      expect(taken(client)).not.toContain('late');
      const came: string[] = [];
      client.wait(() => came.push(...taken(client)));
      await jest.advanceTimersByTimeAsync(260);
      expect(came).toEqual(['late']);
      client.close();
    } finally {
      jest.useRealTimers();
    }
  });

  test('SeveralTopics.take() tells a place between beats with the time of the id before: what waits may be a delete', async () => {
    jest.useFakeTimers();
    try {
      const clock = new IdClock();
      const [a, b] = topics({ compacted: true, clock }, {}) as [MemoryTopic, MemoryTopic];
      const client = several([a, b], NEW, null, { everyMs: 60_000 });
      expect(taken(client)).toEqual(['live']);
      b.pass(0, 5);
      a.append('0', 0, 'k');
      client.look();
      const { time } = idIn(client.take()!, [a, b]);
      a.append(null, 0, 'k');
      await jest.advanceTimersByTimeAsync(30_000);
      const place = client.take(true)!;
      expect(decoder.decode(place)).toContain('event:place');
      expect(idIn(place, [a, b])).toEqual({ parts: [[1], [5]], time });
      client.close();
    } finally {
      jest.useRealTimers();
    }
  });
});
