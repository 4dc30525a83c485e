import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { parseTemplate } from '../expressions/expression.ts';
import { Facts } from '../log/facts.ts';
import { Sleepers } from '../stretches/sleepers.ts';
import { Subscription } from '../stretches/subscription.ts';
import { Turns } from '../stretches/turns.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { filterParts, RECORD_NAMES } from '../views/filter_parts.ts';
import { TEXT } from '../views/format.ts';
import { OpenViews } from '../views/open_views.ts';
import { Scans } from './scans.ts';

const decoder = new TextDecoder();
const PARTITIONS = 3;
const RECORDS = 3000;
const CLIENTS = 500;

let topic: MemoryTopic;
afterEach(() => {
  topic.history.close();
  jest.useRealTimers();
});

const keyFilter = (key: string): Filter =>
  new Filter([{ field: 'key', values: [constantOf(key)] }], []);

function where(text: string): Filter {
  const { equalities, conditions } = filterParts(
    parseTemplate(text, RECORD_NAMES, new Set()).given({}),
  );
  return new Filter(equalities, conditions);
}

/** A client with a filter, that takes what it can, or a part of it each time that it is woken. */
class Client {
  readonly values: string[] = [];
  readonly events: string[] = [];
  readonly ids: string[] = [];
  readonly subscription: Subscription;
  readonly #takesOne: boolean;

  /** @param from where it goes on; `null`: it is new */
  constructor(
    filter: Filter,
    from: number | number[] | null,
    sleepers: Sleepers,
    views: OpenViews,
    takesOne = false,
  ) {
    const { view } = views.open(TEXT, filter, null)!;
    const offsetOf = (p: number): number => (typeof from === 'number' ? from : from![p]!);
    const offsets = () => new Map(Array.from({ length: PARTITIONS }, (_, p) => [p, offsetOf(p)]));
    const cursor = from === null ? null : { topicId: topic.topicId, offsets: offsets() };
    this.#takesOne = takesOne;
    this.subscription = new Subscription(topic, view, { cursor, since: null }, sleepers);
    this.take();
    if (topic.isAsked) topic.answer(topic.state);
  }

  take(): void {
    for (;;) {
      const bytes = this.subscription.take();
      if (bytes === null) break;
      const text = decoder.decode(bytes);
      this.values.push(...[...text.matchAll(/^data:(.*)$/gm)].map(([, value]) => value!));
      this.events.push(...[...text.matchAll(/^event:(.*)$/gm)].map(([, event]) => event!));
      this.ids.push(...[...text.matchAll(/^id:(.*)$/gm)].map(([, id]) => id!));
      if (!this.#takesOne) continue;
      setTimeout(() => this.take(), 1);
      return;
    }
    this.subscription.wait(() => this.take());
  }
}

function begin(maxBytes?: number): {
  sleepers: Sleepers;
  views: OpenViews;
  valuesOf(key: number, from: number): string[];
} {
  topic = new MemoryTopic({
    partitions: PARTITIONS,
    batchRecords: 50,
    ...(maxBytes && { maxBytes }),
  });
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

/** Each has the number of its key, too. */
function beginWithJson(compacted: boolean, turnRecords: number) {
  topic = new MemoryTopic({ partitions: PARTITIONS, compacted, batchRecords: 50 });
  const turns = new Turns(turnRecords);
  const { log, history, traffic } = topic;
  const scans = new Scans(log, history, turns, traffic.filterRecords);
  Object.assign(topic, { turns, facts: new Facts(turns), scans });
  const records = Array.from({ length: RECORDS }, (_, n) => ({ n, k: (n * 7) % CLIENTS }));
  for (const { n, k } of records) {
    topic.append(JSON.stringify({ n, k }), k % PARTITIONS, `${k}`);
  }
  log.start = log.positions.slice();
  const isLatest = ({ n }: { n: number }): boolean => !compacted || n >= RECORDS - CLIENTS;
  return {
    sleepers: new Sleepers(),
    views: new OpenViews(1000),
    records: records.filter(isLatest),
  };
}

const areAtEnd = (clients: readonly Client[]) =>
  eventually('all to be at the end', () => {
    return Promise.resolve(clients.every(({ subscription }) => subscription.behind === 0) || null);
  });

const inOrder = (values: readonly string[]) => values.toSorted((a, b) => Number(a) - Number(b));

describe('Scans', () => {
  test('Scans read what clients with filters lack once for all of them, from wherever each goes on', async () => {
    const { sleepers, views, valuesOf } = begin();
    const clients = Array.from({ length: CLIENTS }, (_, n) => {
      return new Client(keyFilter(`${n}`), n % 40, sleepers, views, n % 5 === 0);
    });
    await areAtEnd(clients);
    for (const [n, { values, ids }] of clients.entries()) {
      expect([n, inOrder(values)]).toEqual([n, valuesOf(n, n % 40)]);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(topic.traffic.recordsReadBack).toBeLessThanOrEqual(1.5 * RECORDS);
    expect(topic.readsFrom).toHaveLength(1);
  });

  test('Scans read it once, too, for a crowd that comes over some seconds, of which memory holds a part', async () => {
    jest.useFakeTimers();
    const { sleepers, views, valuesOf } = begin(10_000);
    const clients: Client[] = [];
    for (let n = 0; n < CLIENTS; n++) {
      clients.push(new Client(keyFilter(`${n}`), 0, sleepers, views));
      await jest.advanceTimersByTimeAsync(n === CLIENTS / 2 ? 150 : 14);
    }
    await jest.advanceTimersByTimeAsync(2000);
    for (const [n, { values }] of clients.entries()) {
      expect([n, inOrder(values)]).toEqual([n, valuesOf(n, 0)]);
    }
    expect(topic.traffic.recordsReadBack).toBeLessThanOrEqual(1.5 * RECORDS);
  });

  test('a client that lacks little does not wait for those who lack much, and leaves none behind', async () => {
    const { sleepers, views, valuesOf } = begin();
    for (let n = 0; n < 60_000; n++) topic.append('x', 0, 'other');
    topic.log.start = topic.log.positions.slice();
    const far = new Client(keyFilter('7'), 0, sleepers, views);
    const gone = new Client(keyFilter('8'), 0, sleepers, views);
    const near = new Client(keyFilter('other'), [60_990, 1000, 1000], sleepers, views);
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

  test.each([
    ['values', false, (n: number) => `value.k == ${n}`, (k: number, n: number) => k === n],
    ['a condition', false, (n: number) => `value.k < ${n}`, (k: number, n: number) => k < n],
    ['keys of a compacted topic', true, endsWith, (k: number, n: number) => k % 10 === n],
    [
      'values of a compacted topic',
      true,
      (n: number) => `value.k == ${n}`,
      (k: number, n: number) => k === n,
    ],
  ])(
    'Scans look at each record once for all who ask for the same, by %s',
    async (_, compacted, text, isFor) => {
      // Each block takes several turns.
      const { sleepers, views, records } = beginWithJson(compacted, 60);
      const clients = Array.from({ length: 100 }, (_, n) => {
        return new Client(where(text(n % 10)), compacted ? null : 0, sleepers, views, n % 7 === 0);
      });
      await areAtEnd(clients);
      for (const [n, { values, events, ids }] of clients.entries()) {
        const found = values.map((value) => (JSON.parse(value) as { n: number }).n);
        const expected = records.filter(({ k }) => isFor(k, n % 10)).map((one) => one.n);
        expect([n, found.sort((a, b) => a - b)]).toEqual([n, expected]);
        expect([events, new Set(ids).size]).toEqual([[], ids.length]);
      }
      const { match, skip, error } = topic.traffic.filterRecords;
      // Ten filters; some clients go on by themselves for a while.
      expect(match + skip + error).toBeLessThan(2 * 10 * RECORDS);
      expect(topic.readsFrom.length).toBeLessThan(10);
    },
  );

  test('a client hears below memory, too, of keys that leave what it asks for after it came', async () => {
    const { sleepers, views } = beginWithJson(true, 1000);
    const client = new Client(where('value.k == 7 || value.k == 8'), null, sleepers, views);
    topic.append('{"k":0}', 7 % PARTITIONS, '7');
    topic.log.start = topic.log.positions.slice();
    await areAtEnd([client]);
    expect(client.values.filter((value) => value.includes('"k":8'))).toHaveLength(1);
    expect(client.events).toEqual(['leave']);
  });
});

function endsWith(n: number): string {
  return `key.endsWith("${n}")`;
}
