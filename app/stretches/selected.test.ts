import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { Facts } from '../log/facts.ts';
import { type Condition, constantOf, Filter } from '../views/filter.ts';
import { TEXT } from '../views/format.ts';
import { PLAIN, type View } from '../views/view.ts';
import { Client } from './client.ts';
import { Selected } from './selected.ts';
import { Shared } from './shared.ts';
import { Turns } from './turns.ts';

const decoder = new TextDecoder();

function viewOf(...keys: string[]): View {
  const filter = new Filter([{ field: 'key', values: keys.map(constantOf) }], []);
  return { format: TEXT, filter, pace: null, clients: 1 };
}

function stretch(topic: MemoryTopic, view: View, seq = topic.log.nextSeq): Selected {
  return new Selected(new Client(topic, view), topic.log, view.filter!, seq, 0);
}

/** All that there is, with `-` for each step that is none. */
function taken(one: Selected): string {
  let text = '';
  for (;;) {
    const next = one.take();
    if (next === null) return text;
    if (!(next instanceof Uint8Array)) return `${text}${Object.keys(next)[0]}`;
    text += decoder.decode(next);
  }
}

/** Looks at each record, and wants none. */
const NEVER: Condition = { name: 'never', looksAt: new Set(['offset']), outcome: () => 'skip' };
const NOT_B: Condition = {
  name: 'not b',
  looksAt: new Set(['value']),
  outcome: ({ record: { value } }) => (value?.[0] === 0x62 ? 'skip' : 'match'),
};
const KEYS = Array.from({ length: 1000 }, (_, n) => constantOf(`${n}`));

describe('Selected', () => {
  afterEach(() => void jest.useRealTimers());

  test('Selected.take() gives the very bytes that everybody gets of a record', () => {
    const topic = new MemoryTopic({ partitions: 2 });
    const all = new Shared(new Client(topic, PLAIN), topic.log, 0, 0);
    const mine = stretch(topic, viewOf('a'));
    topic.append('1', 0, 'b');
    topic.append('2', 1, 'a');
    const everything = decoder.decode(all.take() as Uint8Array);
    const bytes = mine.take() as Uint8Array;
    expect(everything.endsWith(decoder.decode(bytes))).toBe(true);
    expect(decoder.decode(bytes)).toMatch(/^data:2\nid:.+\n\n$/);
    const others = stretch(topic, viewOf('a', 'c'), 0);
    expect(taken(others)).toBe(decoder.decode(bytes));
    expect(mine.take()).toBeNull();
  });

  test('Selected.take() puts what came since together once for all of a view who stand at the same place', () => {
    const topic = new MemoryTopic({ partitions: 2 });
    const view = { ...viewOf('a'), clients: 4 };
    const [first, second, third] = [
      stretch(topic, view),
      stretch(topic, view),
      stretch(topic, view),
    ];
    topic.append('1', 0, 'a');
    taken(third!);
    topic.append('2', 0, 'b');
    topic.append('3', 1, 'a');
    const bytes = first!.take() as Uint8Array;
    expect(second!.take()).toBe(bytes);
    expect(taken(third!)).toMatch(/^data:3\nid:.+\n\n$/);
    expect(decoder.decode(bytes).match(/data:./g)).toEqual(['data:1', 'data:3']);
    expect([first!.place(), second!.place()]).toEqual([third!.place(), third!.place()]);
    topic.append('4', 0, 'a');
    topic.append('5', 0, 'a');
    expect(taken(stretch(topic, view, 0)).match(/data:./g)).toHaveLength(4);
    expect(taken(second!).match(/data:./g)).toEqual(['data:4', 'data:5']);
    expect(topic.traffic.eventsSent).toBe(2 + 2 + 2 + 4 + 2);
  });

  test('Selected.take() finds what was there before it came, and then what comes', () => {
    const topic = new MemoryTopic();
    for (const one of ['1a', '2b', '3a', '4c']) topic.append(one[0]!, 0, one[1]!);
    const mine = stretch(topic, viewOf('a', 'c'), 1);
    topic.append('5', 0, 'a');
    topic.append('6', 0, 'b');
    expect(taken(mine).match(/data:./g)).toEqual(['data:3', 'data:4', 'data:5']);
    expect(topic.traffic.eventsSent).toBe(3);
  });

  test('Selected.place() moves on with what is not for it', () => {
    const topic = new MemoryTopic();
    const mine = stretch(topic, viewOf('a'));
    topic.append('1', 0, 'a');
    topic.append('2', 0, 'b');
    mine.take();
    expect([...mine.place().positions]).toEqual([1]);
    expect(mine.take()).toBeNull();
    expect([...mine.place().positions]).toEqual([2]);
  });

  test('Selected.take() goes past what has left memory where nothing of it is for it', () => {
    const topic = new MemoryTopic({ maxBytes: 20_000 });
    const idle = stretch(topic, viewOf('a'));
    const slow = stretch(topic, viewOf('b'));
    for (let n = 0; n < 40; n++) topic.append('x'.repeat(1000), 0, 'b');
    expect(topic.log.locate(0)).toBeNull();
    expect([idle.take(), [...idle.place().positions]]).toEqual([null, [40]]);
    expect(taken(slow)).toBe('resume');
  });

  test('Selected.take() tells of a loss that nobody could have had', () => {
    const topic = new MemoryTopic();
    const mine = stretch(topic, viewOf('a'));
    topic.append('1', 0, 'b');
    topic.lose(0, 3);
    topic.append('2', 0, 'a');
    expect(taken(mine)).toMatch(/^event:gap\n.*"from":1,"to":3.*\nid:.+\n\ndata:2\nid:.+\n\n$/);
  });

  test('Selected.take() gives more than is kept of its places', () => {
    const topic = new MemoryTopic();
    const mine = stretch(topic, viewOf('a'));
    for (let n = 0; n < 1000; n++) topic.append(`${n}`, 0, n % 2 === 0 ? 'a' : 'b');
    const values = [...taken(mine).matchAll(/data:(\d+)/g)].map(([, value]) => Number(value));
    expect(values).toEqual(Array.from({ length: 500 }, (_, n) => 2 * n));
  });

  test('Selected.take() looks at no more than a turn allows, and goes on in the next', async () => {
    const topic = new MemoryTopic({ maxBytes: 2 ** 26 });
    const turns = new Turns(5);
    Object.assign(topic, { turns, facts: new Facts(turns) });
    // Each in a segment of its own.
    for (let n = 0; n < 20; n++) topic.append('x'.repeat(70_000), 0, n === 19 ? 'a' : 'b');
    const view = viewOf('a');
    const client = new Client(topic, view);
    const mine = new Selected(client, topic.log, view.filter!, 0, 0);
    let waits = 0;
    await eventually('its record', async () => {
      const bytes = mine.take();
      if (bytes !== null) return true;
      waits++;
      await new Promise<void>((woken) => client.onWake(woken));
      return null;
    });
    expect(waits).toBe(3);
  });

  test.each([
    ['keys that are nowhere', false, new Filter([{ field: 'key', values: ['nobody'] }], [])],
    ['a condition', false, new Filter([], [NEVER])],
    ['keys of a compacted topic', true, new Filter([{ field: 'key', values: KEYS }], [NEVER])],
  ])(
    'Selected.take() of many clients that find nothing, by %s, looks in no turn at more than it allows',
    (_, compacted, filter) => {
      jest.useFakeTimers();
      const topic = new MemoryTopic({ maxBytes: 2 ** 24, compacted });
      const most = 500;
      const turns = new Turns(most);
      Object.assign(topic, { turns, facts: new Facts(turns) });
      const [records, ofSegment] = [2000, 40];
      for (let n = 0; n < records; n++) topic.append('x'.repeat(1600), 0, `${n % 1000}`);
      let lookUps = 0;
      const { candidates } = topic.log;
      topic.log.candidates = (...of) => {
        lookUps++;
        return candidates.apply(topic.log, of);
      };
      const { filterRecords } = topic.traffic;
      const work = () => lookUps + filterRecords.skip;
      const view: View = { format: TEXT, filter, pace: null, clients: 100 };
      const clients = Array.from({ length: 100 }, () => {
        const client = new Client(topic, view);
        const one = new Selected(client, topic.log, filter, 0, 0);
        const take = () => {
          expect(one.take()).toBeNull();
          client.onWake(take);
        };
        take();
        return one;
      });
      let before = work();
      let longest = before;
      for (; jest.getTimerCount() > 0; before = work()) {
        jest.advanceTimersToNextTimer();
        longest = Math.max(longest, work() - before);
      }
      expect(longest).toBeGreaterThan(0);
      expect(longest).toBeLessThanOrEqual(most + ofSegment);
      for (const one of clients) expect([...one.place().positions]).toEqual([records]);
      // What comes then is looked at once for all, and each goes past it.
      topic.append('more', 0, 'other');
      for (const one of clients) {
        expect([one.take(), ...one.place().positions]).toEqual([null, records + 1]);
      }
      expect(work() - before).toBeLessThanOrEqual(1);
    },
  );

  test('Selected.take() passes over a record that was superseded before it was taken', () => {
    const topic = new MemoryTopic({ compacted: true });
    const mine = stretch(topic, viewOf('a', 'c'));
    topic.append('1', 0, 'a');
    topic.append('2', 0, 'c');
    topic.append('3', 0, 'a');
    expect(taken(mine).match(/data:./g)).toEqual(['data:2', 'data:3']);
  });

  test('Selected.take() finds the latest of a key on a compacted topic without looking through it', () => {
    const topic = new MemoryTopic({ compacted: true, partitions: 2, maxBytes: 2 ** 24 });
    for (let n = 0; n < 5000; n++) topic.append(`${n}`, n % 2, `${n}`);
    topic.append('again', 1, '7');
    const mine = stretch(topic, viewOf('8', '7', 'nobody'), 0);
    expect(taken(mine).match(/data:.+/g)).toEqual(['data:8', 'data:again']);
    expect(topic.traffic.filterRecords).toEqual({ match: 2, skip: 0, error: 0 });
    topic.append('more', 0, '8');
    expect(taken(mine).match(/data:.+/g)).toEqual(['data:more']);
  });

  test('Selected.take() looks of what was there at those alone that may be for it', () => {
    const topic = new MemoryTopic({ maxBytes: 2 ** 24 });
    // To find out where they stand each is looked at once, for all clients.
    Object.assign(topic, { turns: new Turns(10_000) });
    for (let n = 0; n < 5000; n++) topic.append('x'.repeat(100), 0, `${n % 1000}`);
    const mine = stretch(topic, viewOf('7'), 0);
    expect(taken(mine).match(/data:/g)).toHaveLength(5);
    expect(topic.traffic.filterRecords.skip).toBe(0);
    // What the segment at the end got since is looked at.
    topic.append('x', 0, '8');
    expect(taken(stretch(topic, viewOf('9'), 0)).match(/data:/g)).toHaveLength(5);
    expect(topic.traffic.filterRecords.skip).toBe(1);
    expect(topic.traffic.filterRecords.match).toBe(10);
  });

  test('Selected.take() gives those of one view who stand before the same records the very same page of them', () => {
    for (const compacted of [false, true]) {
      const topic = new MemoryTopic({ compacted });
      const view: View = { ...viewOf('a'), filter: new Filter([], [NOT_B]), clients: 3 };
      const [first, second, later] = [0, 0, 0].map(() => {
        const client = new Client(topic, view);
        client.comesTo(topic.log, topic.log.positions, null);
        const one = new Selected(client, topic.log, view.filter!, topic.log.nextSeq, 0);
        expect(one.take()).toBeNull();
        return one;
      });
      for (const [n, value] of ['b', 'b', 'a', 'c', 'b'].entries()) topic.append(value, 0, `${n}`);
      later!.pass();
      expect([...later!.place().positions]).toEqual([2]);
      const page = first!.take();
      expect(decoder.decode(page as Uint8Array).match(/data:./g)).toEqual(['data:a', 'data:c']);
      expect([second!.take(), later!.take()]).toEqual([page, page]);
      expect(second!.isShared && later!.isShared).toBe(true);
      topic.append('d', 0, 'd');
      topic.append('e', 0, 'e');
      const other = stretch(topic, { ...view, clients: 1 }, 0);
      expect(decoder.decode(other.take() as Uint8Array).match(/data:./g)).toHaveLength(4);
      const [next, same] = [first!.take() as Uint8Array, second!.take() as Uint8Array];
      expect(decoder.decode(next).match(/data:./g)).toEqual(['data:d', 'data:e']);
      expect(same).toBe(next);
      // One who stands behind them has its own.
      expect(taken(stretch(topic, view, 0)).match(/data:./g)).toHaveLength(4);
    }
  });

  test('Selected.take() of many clients of a view looks once for what came between two beats of theirs', () => {
    const topic = new MemoryTopic({ maxBytes: 2 ** 24 });
    Object.assign(topic, { turns: new Turns(100_000) });
    const view: View = { ...viewOf('a'), filter: new Filter([], [NOT_B]), clients: 100 };
    const clients = Array.from({ length: 100 }, () => stretch(topic, view));
    for (let n = 0; n < 5000; n++) topic.append('a', 0, `${n}`);
    let records = 0;
    for (let pages = clients.map((one) => one.take()); pages[0] !== null; ) {
      expect(new Set(pages).size).toBe(1);
      records += decoder.decode(pages[0] as Uint8Array).match(/data:a/g)!.length;
      pages = clients.map((one) => one.take());
    }
    expect(records).toBe(5000);
    // Once as they came.
    expect(topic.traffic.filterRecords.match).toBeLessThanOrEqual(2 * 5000);
  });

  test('Selected.take() of a compacted topic keeps the places of what is the latest, those alone, and of what has left memory', () => {
    const topic = new MemoryTopic({ compacted: true, maxBytes: 2 ** 24 });
    const view: View = { ...viewOf('a'), filter: new Filter([], [NOT_B]), clients: 4 };
    const [mine] = [0, 1, 2, 3].map(() => stretch(topic, view));
    for (let n = 0; n < 5000; n++) topic.append(`a${n}`, 0, `${n % 60}`);
    expect(mine!.selection.fromSeq).toBe(0);
    expect(taken(mine!).match(/data:a\d+/g)).toHaveLength(60);
    const small = new MemoryTopic({ compacted: true, maxBytes: 20_000 });
    const slow = stretch(small, view);
    for (let n = 0; n < 40; n++) small.append(`a${'x'.repeat(1000)}`, 0, `${n}`);
    expect(small.log.locate(0)).toBeNull();
    expect(taken(slow)).toBe('resume');
  });

  test('Selected.close() leaves nothing behind that is looked up', () => {
    const topic = new MemoryTopic();
    const mine = stretch(topic, viewOf('a'));
    mine.close();
    mine.close();
    topic.append('1', 0, 'a');
    expect(topic.log.selections.takeMatched().size).toBe(0);
  });
});
