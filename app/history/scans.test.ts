import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { Sleepers } from '../stretches/sleepers.ts';
import { Subscription } from '../stretches/subscription.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { TEXT } from '../views/format.ts';
import { OpenViews } from '../views/open_views.ts';

const decoder = new TextDecoder();
const PARTITIONS = 3;
const RECORDS = 3000;
const CLIENTS = 500;

let topic: MemoryTopic;
afterEach(() => topic.history.close());

/** A client with a filter for one key, that takes what it can, or a part of it each time that it is woken. */
class Client {
  readonly values: string[] = [];
  readonly ids: string[] = [];
  readonly subscription: Subscription;
  readonly #takesOne: boolean;

  constructor(
    key: string,
    from: number | number[],
    sleepers: Sleepers,
    views: OpenViews,
    takesOne = false,
  ) {
    const filter = new Filter([{ field: 'key', values: [constantOf(key)] }], []);
    const { view } = views.open(TEXT, filter, null)!;
    const offsetOf = (p: number): number => (typeof from === 'number' ? from : from[p]!);
    const offsets = new Map(Array.from({ length: PARTITIONS }, (_, p) => [p, offsetOf(p)]));
    const cursor = { topicId: topic.topicId, offsets };
    this.#takesOne = takesOne;
    this.subscription = new Subscription(topic, view, { cursor, since: null }, sleepers);
    this.take();
  }

  take(): void {
    for (;;) {
      const bytes = this.subscription.take();
      if (bytes === null) break;
      const text = decoder.decode(bytes);
      this.values.push(...[...text.matchAll(/^data:(.*)$/gm)].map(([, value]) => value!));
      this.ids.push(...[...text.matchAll(/^id:(.*)$/gm)].map(([, id]) => id!));
      if (!this.#takesOne) continue;
      setTimeout(() => this.take(), 1);
      return;
    }
    this.subscription.wait(() => this.take());
  }
}

function begin(): {
  sleepers: Sleepers;
  views: OpenViews;
  valuesOf(key: number, from: number): string[];
} {
  topic = new MemoryTopic({ partitions: PARTITIONS, batchRecords: 50 });
  const values = new Map<number, string[]>();
  for (let n = 0; n < RECORDS; n++) {
    const key = (n * 7) % CLIENTS;
    topic.append(`${n}`, n % PARTITIONS, `${key}`);
    values.set(key, [...(values.get(key) ?? []), `${n}`]);
  }
  topic.log.start = topic.log.positions.slice();
  const isFrom = (from: number) => (value: string) => Number(value) / PARTITIONS >= from;
  return {
    sleepers: new Sleepers(),
    views: new OpenViews(1),
    valuesOf: (key, from) => values.get(key)!.filter(isFrom(from)),
  };
}

const inOrder = (values: readonly string[]) => values.toSorted((a, b) => Number(a) - Number(b));

describe('Scans', () => {
  test('Scans read what clients with filters lack once for all of them, from wherever each goes on', async () => {
    const { sleepers, views, valuesOf } = begin();
    const clients = Array.from({ length: CLIENTS }, (_, n) => {
      return new Client(`${n}`, n % 40, sleepers, views, n % 5 === 0);
    });
    await eventually('all to be at the end', () => {
      return Promise.resolve(
        clients.every(({ subscription }) => subscription.behind === 0) || null,
      );
    });
    for (const [n, { values, ids }] of clients.entries()) {
      expect([n, inOrder(values)]).toEqual([n, valuesOf(n, n % 40)]);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(topic.traffic.recordsReadBack).toBeLessThanOrEqual(1.5 * RECORDS);
    expect(topic.readsFrom).toHaveLength(1);
  });

  test('a client that lacks little does not wait for those who lack much, and leaves none behind', async () => {
    const { sleepers, views, valuesOf } = begin();
    for (let n = 0; n < 60_000; n++) topic.append('x', 0, 'other');
    topic.log.start = topic.log.positions.slice();
    const far = new Client('7', 0, sleepers, views);
    const gone = new Client('8', 0, sleepers, views);
    const near = new Client('other', [60_990, 1000, 1000], sleepers, views);
    gone.subscription.close();
    await eventually('it to be at the end', () =>
      Promise.resolve(near.subscription.behind === 0 || null),
    );
    expect(near.values).toHaveLength(10);
    expect(far.subscription.behind).toBeGreaterThan(0);
    await eventually('the other, too', () =>
      Promise.resolve(far.subscription.behind === 0 || null),
    );
    expect(inOrder(far.values)).toEqual(valuesOf(7, 0));
    expect(gone.values).toEqual([]);
  });
});
