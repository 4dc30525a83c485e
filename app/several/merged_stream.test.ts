import { describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { Subscription } from '../stretches/subscription.ts';
import { formatByName } from '../views/format.ts';
import { viewIn } from '../views/view.ts';
import { NameOfSeveral } from '../wire/blocks_of_several.ts';
import type { Until } from '../wire/until.ts';
import { MergedLogs } from './merged_logs.ts';
import { MergedStream } from './merged_stream.ts';

const JSON_VIEW = viewIn(formatByName('json')!);
const NEW = { cursor: null, since: null };
const decoder = new TextDecoder();

const topics = (): [MemoryTopic, MemoryTopic] => [
  new MemoryTopic({ topic: 'a', topicId: Uint8Array.of(1, 1, 1, 1) }),
  new MemoryTopic({ topic: 'b', topicId: Uint8Array.of(2, 2, 2, 2) }),
];

/** Clients of the same topics. */
function streams(count: number, all: readonly MemoryTopic[], logs = new MergedLogs()) {
  const parts = all.map((topic) => ({
    topic,
    name: new NameOfSeveral(topic.topic, Uint8Array.of(topic.topic.charCodeAt(0), 0, 0, 0)),
    subscribe: (begin: ConstructorParameters<typeof Subscription>[2], end: Until | null) =>
      new Subscription(topic, JSON_VIEW, begin, topic.sleepers, end),
  }));
  return Array.from({ length: count }, () => new MergedStream(parts, logs.group(all, null), NEW));
}

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
