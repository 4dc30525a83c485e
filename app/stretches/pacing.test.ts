import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { IdClock } from '../log/id_clock.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { formatByName, TEXT } from '../views/format.ts';
import { OpenViews } from '../views/open_views.ts';
import type { RecordFacts } from '../views/record_facts.ts';
import type { View } from '../views/view.ts';
import { Sleepers } from './sleepers.ts';
import { Subscription } from './subscription.ts';

const decoder = new TextDecoder();
const NEW = { cursor: null, since: null };
const EVERY_MS = 1000;

function paced(format = TEXT, filter: Filter | null = null): View {
  return new OpenViews(1).open(format, filter, null, EVERY_MS)!.view;
}

/** A client that takes what it can, and then waits, as streams do. */
class Taker {
  /** When something came, in milliseconds, and the values of it. */
  readonly got: [number, string][] = [];
  readonly arrays: Uint8Array[] = [];
  /** Takes nothing while it is busy. */
  isBusy = false;
  readonly subscription: Subscription;

  constructor(topic: MemoryTopic, view: View, sleepers: Sleepers) {
    this.subscription = new Subscription(topic, view, NEW, sleepers);
    this.take();
  }

  take(isIdle = false): void {
    if (this.isBusy) return;
    for (;;) {
      const bytes = this.subscription.take(isIdle);
      if (bytes === null) break;
      this.arrays.push(bytes);
      const values = decoder.decode(bytes).matchAll(/^(?:data|event):(\S+)|"value":"(\w+)"/gm);
      this.got.push([performance.now(), [...values].map(([, text]) => text).join('')]);
    }
    this.subscription.wait(() => this.take());
  }
}

describe('Pacing', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.setSystemTime(1_700_000_000_000);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function begin(options: ConstructorParameters<typeof MemoryTopic>[0] = {}) {
    const topic = new MemoryTopic(options);
    const sleepers = new Sleepers();
    const start = performance.now();
    /** A record comes; all who wait for it are woken. */
    const append = (value: string, key: string | null = null): void => {
      topic.append(value, 0, key);
      sleepers.wakeFor(topic.log.selections.takeMatched());
    };
    const times = (one: Taker) =>
      one.got.map(([at, values]) => [Math.floor((at - start) / 100) * 100, values]);
    return { topic, sleepers, append, times };
  }

  test('the first after a quiet time comes at once, what follows at the next beat, together', () => {
    const { topic, sleepers, append, times } = begin();
    append('a');
    const client = new Taker(topic, paced(), sleepers);
    append('b');
    jest.advanceTimersByTime(300);
    append('c');
    append('d');
    jest.advanceTimersByTime(3000);
    append('e');
    expect(times(client)).toEqual([
      [0, 'a'],
      [0, 'b'],
      [1000, 'cd'],
      [3300, 'e'],
    ]);
  });

  test('of a key of a compacted topic the latest alone comes', () => {
    const { topic, sleepers, append, times } = begin({ compacted: true });
    const client = new Taker(topic, paced(), sleepers);
    append('1', 'k');
    for (const value of ['2', '3', '4']) append(value, 'k');
    append('x', 'other');
    jest.advanceTimersByTime(2000);
    expect(times(client)).toEqual([
      [0, '1'],
      [1000, '4x'],
    ]);
  });

  test('all clients of a view get the same bytes, those that come later and those that are slow too', () => {
    const { topic, sleepers, append, times } = begin();
    const view = paced();
    const clients = [new Taker(topic, view, sleepers), new Taker(topic, view, sleepers)];
    append('a');
    jest.advanceTimersByTime(400);
    clients.push(new Taker(topic, view, sleepers));
    append('b');
    clients[1]!.isBusy = true;
    jest.advanceTimersByTime(900);
    append('c');
    clients[1]!.isBusy = false;
    clients[1]!.take();
    jest.advanceTimersByTime(1000);
    expect(times(clients[0]!).slice(1)).toEqual([
      [1000, 'b'],
      [2000, 'c'],
    ]);
    const [first, slow, later] = clients.map(({ arrays }) => arrays.at(-1)!);
    expect(times(clients[1]!).slice(1)).toEqual([[1300, 'bc']]);
    expect(times(clients[2]!)).toEqual([
      [400, 'a'],
      [1000, 'b'],
      [2000, 'c'],
    ]);
    expect(later).toBe(first);
    append('d');
    jest.advanceTimersByTime(1000);
    expect(clients[1]!.arrays.at(-1)).toBe(clients[0]!.arrays.at(-1));
    expect(slow).not.toBe(first);
  });

  test('a gap does not wait, and what lies before it comes with it', () => {
    const { topic, sleepers, append, times } = begin();
    const client = new Taker(topic, paced(), sleepers);
    append('a');
    jest.advanceTimersByTime(300);
    append('b');
    topic.lose(0, 5);
    sleepers.wakeAll();
    expect(times(client)[0]).toEqual([0, 'a']);
    expect(times(client)[1]?.[0]).toBe(300);
    expect(times(client)[1]?.[1]).toMatch(/^bgap/);
    append('c');
    jest.advanceTimersByTime(900);
    expect(times(client)).toHaveLength(2);
    jest.advanceTimersByTime(200);
    expect(times(client)[2]).toEqual([1300, 'c']);
  });

  test('stale comes at once, and nothing of what waits for the beat with it', () => {
    const { topic, sleepers, append, times } = begin();
    const client = new Taker(topic, paced(), sleepers);
    append('a');
    append('b');
    topic.staleBlock = new TextEncoder().encode('event:stale\n\n');
    jest.advanceTimersByTime(100);
    sleepers.wakeAll();
    expect(times(client)).toEqual([
      [0, 'a'],
      [100, 'stale'],
    ]);
  });

  test('between beats an idle client is told no place past what it has not had', () => {
    const { topic, sleepers, append, times } = begin();
    const client = new Taker(topic, paced(), sleepers);
    append('a');
    append('b');
    topic.pass(0, 5);
    client.take(true);
    expect(times(client)).toEqual([[0, 'a']]);
    jest.advanceTimersByTime(1100);
    topic.pass(0, 7);
    jest.advanceTimersByTime(1000);
    client.take(true);
    expect(times(client)).toEqual([
      [0, 'a'],
      [1000, 'b'],
      [2100, 'place{}'],
    ]);
  });

  test('between beats an idle client is told the place before what it waits for, once', () => {
    const filter = new Filter([{ field: 'key', values: [constantOf('a')] }], []);
    for (const view of [paced(), paced(TEXT, filter)]) {
      const { topic, sleepers, append, times } = begin({ compacted: true });
      const client = new Taker(topic, view, sleepers);
      append('1', 'a');
      if (view.filter === null) append('2', 'b');
      else append('other', 'c');
      append('3', 'a');
      if (view.filter === null) append('4', 'b');
      else append('other', 'd');
      client.take(true);
      client.take(true);
      expect(times(client)).toEqual([
        [0, '1'],
        [0, 'place{}'],
      ]);
      const { positions } = client.subscription.place!;
      expect([...positions]).toEqual([2]);
      jest.advanceTimersByTime(1000);
      expect(times(client)[2]).toEqual([1000, view.filter === null ? '34' : '3']);
    }
  });

  test('between beats an idle client that reads back is told the place before what it waits for', async () => {
    const { topic, sleepers, append, times } = begin({ maxBytes: 20_000 });
    const client = new Taker(topic, paced(), sleepers);
    append('a');
    for (let n = 0; n < 40; n++) append('x'.repeat(1000));
    await jest.advanceTimersByTimeAsync(1000);
    const [, ...values] = client.got.map(([, some]) => some);
    expect(values.join('')).toBe('x'.repeat(40_000));
    topic.pass(0, 50);
    append('b');
    client.take(true);
    expect([...client.subscription.place!.positions]).toEqual([50]);
    expect(times(client).at(-1)).toEqual([1000, 'place{}']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(times(client).at(-1)).toEqual([2000, 'b']);
    topic.history.close();
  });

  test('a client whose keys are hidden has had all there was at each beat: it need not begin anew for what it was told', () => {
    const clock = new IdClock();
    const { topic, sleepers, append } = begin({ compacted: true, clock, maxChanges: 4 });
    topic.log.guards!.isLoaded();
    const isIn = {
      name: 'in',
      looksAt: new Set(['value']),
      outcome: ({ record: { value } }: RecordFacts) =>
        value !== null && decoder.decode(value) === 'in' ? 'match' : 'skip',
    } as const;
    const filter = new Filter([], [isIn], new Filter([], [isIn]));
    const client = new Taker(topic, paced(TEXT, filter), sleepers);
    for (let beat = 0; beat < 10; beat++) {
      append(beat % 2 === 0 ? 'in' : 'out', 'k');
      jest.advanceTimersByTime(EVERY_MS / 2);
      append('in', `${beat}`);
      jest.advanceTimersByTime(EVERY_MS / 2);
    }
    const times = client.arrays.flatMap((bytes) => decoder.decode(bytes).match(/(?<=~)\w+/g)!);
    expect(times).toEqual(times.toSorted());
    expect(client.got.map(([, values]) => values).join('')).not.toContain('gap');
  });

  test('between beats an id has the time of the one before: what waits may be a delete', () => {
    const clock = new IdClock();
    const { topic, sleepers, append } = begin({ compacted: true, clock });
    const client = new Taker(
      topic,
      new OpenViews(1).open(TEXT, null, null, 60_000)!.view,
      sleepers,
    );
    append('1', 'a');
    append('2', 'b');
    append('3', 'b');
    jest.advanceTimersByTime(30_000);
    client.take(true);
    const ids = client.arrays.map((bytes) => /~(\w+)\n\n$/.exec(decoder.decode(bytes))![1]);
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(ids[0]);
  });

  test('what waits comes early where the id would be too old else', () => {
    const clock = new IdClock();
    clock.retentionMs = 4000;
    const { topic, sleepers, append, times } = begin({ compacted: true, clock });
    const view = new OpenViews(1).open(formatByName('text')!, null, null, 60_000)!.view;
    const client = new Taker(topic, view, sleepers);
    append('1', 'a');
    append('2', 'b');
    jest.advanceTimersByTime(500);
    expect(client.subscription.isAgeing).toBe(false);
    jest.advanceTimersByTime(1500);
    expect(client.subscription.isAgeing).toBe(true);
    client.take(true);
    expect(times(client).map(([, values]) => values)).toEqual(['1', '2']);
  });
});
