import { describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { topicOfStream } from '../../test/support/topic_of_stream.ts';
import { IdClock } from '../log/id_clock.ts';
import { Subscription } from '../stretches/subscription.ts';
import { formatByName } from '../views/format.ts';
import { viewIn } from '../views/view.ts';
import { MergedLogs } from './merged_logs.ts';
import { MergedStream } from './merged_stream.ts';

const JSON_VIEW = viewIn(formatByName('json')!);
const NEW = { cursor: null, since: null };
const decoder = new TextDecoder();

const newLogs = (): MergedLogs => new MergedLogs({ joined: 0, fell_back: 0 });

const topics = (): [MemoryTopic, MemoryTopic] => [
  new MemoryTopic({ topic: 'a', topicId: Uint8Array.of(1, 1, 1, 1) }),
  new MemoryTopic({ topic: 'b', topicId: Uint8Array.of(2, 2, 2, 2) }),
];

/** Clients of the same topics. */
function streams(count: number, all: readonly MemoryTopic[], logs = newLogs()) {
  const parts = all.map((topic) => {
    const hash = Uint8Array.of(topic.topic.charCodeAt(0), 0, 0, 0);
    return topicOfStream(topic, hash, () => whileTaken?.());
  });
  return Array.from({ length: count }, () => new MergedStream(parts, logs.group(all, null), NEW));
}

/** What happens within a take, as where reading back wakes others. */
let whileTaken: (() => void) | null = null;

const valuesIn = (bytes: Uint8Array | null): string[] =>
  bytes === null ? [] : (decoder.decode(bytes).match(/(?<="value":")[^"]*|(?<=event:)\w+/g) ?? []);

function taken(stream: MergedStream): string[] {
  const all: string[] = [];
  for (let bytes = stream.take(); bytes !== null; bytes = stream.take()) {
    all.push(...valuesIn(bytes));
    stream.sent(bytes.length, bytes.length);
  }
  return all;
}

/** As a client that takes whatever comes. */
function listen(stream: MergedStream): string[] {
  const came: string[] = [];
  const next = (): void => {
    came.push(...taken(stream));
    stream.wait(next);
  };
  next();
  return came;
}

const append = (topic: MemoryTopic, value: string): void => {
  topic.append(value);
  topic.sleepers.wakeAll();
};

describe('MergedStream', () => {
  test('MergedStream.take() gives all who are live the very same bytes, which one reads for all', () => {
    const [a, b] = topics();
    a.append('0');
    const [one, two, three] = streams(3, [a, b]) as [MergedStream, MergedStream, MergedStream];
    for (const stream of [one, two, three]) expect(taken(stream)).toEqual(['0', 'live']);
    expect([a.clients.size, b.clients.size]).toEqual([1, 1]);
    append(b, '1');
    const page = one.take()!;
    expect([valuesIn(page), two.take() === page, three.take() === page]).toEqual([
      ['1'],
      true,
      true,
    ]);
    // Three times each: `0`, and `live`, which counts for the first topic.
    expect([a.traffic.eventsSent, b.traffic.eventsSent]).toEqual([6, 3]);
    for (const stream of [one, two, three]) stream.sent(page.length, page.length);
    expect(b.traffic.bytesSent).toBe(3 * page.length);
  });

  test('MergedStream.take() leaves what comes while others are served to gather, and wakes for all of it', async () => {
    jest.useFakeTimers();
    try {
      const [a, b] = topics();
      const all = streams(2, [a, b]);
      const came = all.map(listen);
      append(a, '1');
      append(b, '2');
      append(a, '3');
      expect(came.map((values) => values.slice(1))).toEqual([['1'], ['1']]);
      await jest.advanceTimersByTimeAsync(50);
      expect(came.map((values) => values.slice(1))).toEqual([
        ['1', '2', '3'],
        ['1', '2', '3'],
      ]);
      for (const stream of all) stream.close();
      expect([a.clients.size, a.sleepers.size, jest.getTimerCount()]).toEqual([0, 0, 0]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('MergedStream.take() reads by itself what it has fallen back behind, and joins the others again', async () => {
    jest.useFakeTimers();
    try {
      const [a, b] = topics();
      const [fast, slow] = streams(2, [a, b]) as [MergedStream, MergedStream];
      expect([taken(fast), taken(slow)]).toEqual([['live'], ['live']]);
      const came = listen(fast);
      const sizes: string[] = [];
      for (let n = 0; n < 30; n++) {
        append(n % 3 === 0 ? b : a, `${n}`.padEnd(20_000, 'x'));
        sizes.push(`${n}`);
        await jest.advanceTimersByTimeAsync(50);
      }
      const numbers = (values: readonly string[]): string[] =>
        values.map((value) => value.replace(/x+$/, '')).toSorted((x, y) => Number(x) - Number(y));
      expect(numbers(came)).toEqual(sizes);
      expect(numbers(taken(slow))).toEqual(sizes);
      expect([a.clients.size, b.clients.size]).toEqual([1, 1]);
      fast.close();
      append(a, 'last');
      await jest.advanceTimersByTimeAsync(50);
      expect(taken(slow)).toEqual(['last']);
      slow.close();
      expect([a.clients.size, b.clients.size, b.sleepers.size]).toEqual([0, 0, 0]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('MergedStream.take() joins those who are live though others are slow, who go over to them', async () => {
    jest.useFakeTimers();
    try {
      const all = topics();
      const [a, b] = all;
      const counts = { joined: 0, fell_back: 0 };
      const logs = new MergedLogs(counts);
      const [fast, slow] = streams(2, all, logs) as [MergedStream, MergedStream];
      expect([taken(fast), taken(slow)]).toEqual([['live'], ['live']]);
      const came = listen(fast);
      for (let n = 0; n < 10; n++) {
        append(n % 2 === 0 ? a : b, `${n}`.padEnd(20_000, 'x'));
        await jest.advanceTimersByTimeAsync(50);
      }
      // What is read in the next moment gathers for those who were just served.
      append(a, '10');
      append(b, '11');
      const [late] = streams(1, all, logs) as [MergedStream];
      expect(taken(late)).toHaveLength(13);
      expect([a.clients.size, counts]).toEqual([2, { joined: 3, fell_back: 0 }]);
      await jest.advanceTimersByTimeAsync(50);
      append(b, '12');
      await jest.advanceTimersByTimeAsync(50);
      expect(came.slice(-3)).toEqual(['10', '11', '12']);
      expect(taken(late)).toEqual(['12']);
      const ofSlow = taken(slow).map((value) => Number(value.replace(/x+$/, '')));
      expect(ofSlow.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 13 }, (_, n) => n));
      // Nobody is left in the first log.
      expect([a.clients.size, counts]).toEqual([1, { joined: 3, fell_back: 0 }]);
      append(a, '13');
      await jest.advanceTimersByTimeAsync(50);
      const page = slow.take()!;
      expect([valuesIn(page), late.take() === page, came.at(-1)]).toEqual([['13'], true, '13']);
      for (const stream of [fast, slow, late]) stream.close();
      expect([a.clients.size, b.clients.size, jest.getTimerCount()]).toEqual([0, 0, 0]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('MergedStream.take() keeps more for slow clients the more they are, but not of compacted topics', async () => {
    const fellBack = async (count: number, clock: IdClock | null): Promise<number> => {
      const all: [MemoryTopic, MemoryTopic] = [
        new MemoryTopic({ topic: 'a', topicId: Uint8Array.of(1, 1, 1, 1), clock }),
        topics()[1],
      ];
      const counts = { joined: 0, fell_back: 0 };
      const [fast, ...slow] = streams(count, all, new MergedLogs(counts)) as [
        MergedStream,
        ...MergedStream[],
      ];
      for (const stream of [fast, ...slow]) taken(stream);
      listen(fast);
      for (let n = 0; n < 20; n++) {
        append(all[n % 2]!, 'x'.repeat(20_000));
        await jest.advanceTimersByTimeAsync(50);
      }
      for (const stream of slow) taken(stream);
      for (const stream of [fast, ...slow]) stream.close();
      return counts.fell_back;
    };
    jest.useFakeTimers();
    try {
      const counts = [await fellBack(2, null), await fellBack(40, null)];
      const clock = new IdClock(() => 0);
      expect([...counts, await fellBack(40, clock)]).toEqual([1, 0, 39]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('MergedStream.take() joins the others also where it hears of a record before they do', () => {
    const all = topics();
    const logs = newLogs();
    const [one, two] = streams(2, all, logs) as [MergedStream, MergedStream];
    const [late] = streams(1, all, logs) as [MergedStream];
    // It waits before anybody else does.
    expect(late.take()).not.toBeNull();
    const came = listen(late);
    expect([taken(one), taken(two)]).toEqual([['live'], ['live']]);
    append(all[0], '1');
    expect([came, taken(one), taken(two)]).toEqual([['1'], ['1'], ['1']]);
    expect(all[0].clients.size).toBe(1);
  });

  test('Client.wake() waits while what is taken is counted for others', async () => {
    const all = topics();
    const [one, two] = streams(2, all) as [MergedStream, MergedStream];
    expect([taken(one), taken(two)]).toEqual([['live'], ['live']]);
    const alone = new Subscription(all[0], JSON_VIEW, NEW, all[0].sleepers);
    while (alone.take() !== null);
    const sent = all[0].traffic.eventsSent;
    alone.wait(() => alone.take());
    whileTaken = () => alone.wake();
    append(all[0], '1');
    whileTaken = null;
    expect([taken(one), taken(two)]).toEqual([['1'], ['1']]);
    await Promise.resolve();
    expect(all[0].traffic.eventsSent - sent).toBe(3);
    for (const stream of [one, two, alone]) stream.close();
  });

  test('MergedLogs.group() is one for all who hold it, also where another of them was refused', () => {
    const all = topics();
    const logs = newLogs();
    const [one] = streams(1, all, logs) as [MergedStream];
    logs.group(all, null).letGo();
    const [two] = streams(1, all, logs) as [MergedStream];
    expect([taken(one), taken(two), all[0].clients.size]).toEqual([['live'], ['live'], 1]);
  });

  test('MergedStream.take() hands a large block out in parts, and tells each that a topic is stale', () => {
    const [a, b] = topics();
    const [one, two] = streams(2, [a, b]) as [MergedStream, MergedStream];
    expect([taken(one), taken(two)]).toEqual([['live'], ['live']]);
    append(b, 'x'.repeat(100_000));
    expect([one.take()!.length, one.isWithinBlock]).toEqual([64 * 1024, true]);
    b.staleBlock = new TextEncoder().encode('event:stale\ndata:{"since":1}\n\n');
    expect(decoder.decode(one.take()!)).toMatch(/^x+"\}\nid:\S+\n\n$/);
    expect([one.isWithinBlock, taken(one), taken(two)[0]]).toEqual([false, ['stale'], 'stale']);
    b.staleBlock = null;
    expect([taken(one), taken(two)]).toEqual([['fresh'], ['fresh']]);
  });

  test('MergedStream.take() tells who is idle the place that all have, once', () => {
    const [a, b] = topics();
    const [one, two] = streams(2, [a, b]) as [MergedStream, MergedStream];
    expect([taken(one), taken(two)]).toEqual([['live'], ['live']]);
    // The marker of a transaction: nothing to show.
    a.log.append({ records: [], positions: new Map([[0, 1]]) }, new Map());
    a.sleepers.wakeAll();
    expect([taken(one), taken(two)]).toEqual([[], []]);
    const place = one.take(true);
    expect([valuesIn(place), two.take(true) === place]).toEqual([['place'], true]);
    expect([one.take(true), two.take(true)]).toEqual([null, null]);
    expect(decoder.decode(one.expired())).toBe(
      decoder.decode(place!).replace('event:place', 'event:expired'),
    );
  });
});
