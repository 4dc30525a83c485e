import { describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { IdClock } from '../log/id_clock.ts';
import { Segment } from '../log/segment.ts';
import { Filter } from '../views/filter.ts';
import { TEXT } from '../views/format.ts';
import type { View } from '../views/view.ts';
import { Client } from './client.ts';
import { Selected } from './selected.ts';

const decoder = new TextDecoder();
const isGood = {
  name: 'good',
  looksAt: new Set(['value']),
  outcome: ({ record: { value } }: { record: { value: Uint8Array | null } }) =>
    value !== null && decoder.decode(value).startsWith('good') ? 'match' : 'skip',
} as const;
const VIEW: View = {
  format: TEXT,
  filter: new Filter([], [isGood]),
  pace: null,
  clients: 1,
};
/** Of `k` and of `other`, in base64url. */
const K = 'aw==';

/** A client that is there from now on; it has had nothing. */
function join(topic: MemoryTopic, seq = topic.log.nextSeq): Selected {
  const client = new Client(topic, VIEW);
  client.comesTo(topic.log, new Float64Array(topic.log.positions.length), null);
  return new Selected(client, topic.log, VIEW.filter!, seq, 0);
}

/** The next bytes, as events. */
function next(one: Selected): string[] {
  const bytes = one.take();
  if (bytes === null) return [];
  const blocks = decoder.decode(bytes as Uint8Array).split('\n\n');
  return blocks.slice(0, -1).map((block) => block.replace(/\nid:.*$/, '').replace('\ndata:', ' '));
}

function all(one: Selected): string[] {
  const events: string[] = [];
  for (let some = next(one); some.length > 0; some = next(one)) events.push(...some);
  return events;
}

describe('Leaves', () => {
  test('Leaves.tells() of a key that matches no more, once', () => {
    const topic = new MemoryTopic({ compacted: true });
    const client = join(topic);
    topic.append('good', 0, 'k');
    expect(all(client)).toEqual(['data:good']);
    topic.append('bad', 0, 'k');
    topic.append('bad', 0, 'other');
    expect(all(client)).toEqual([`event:leave ${K}`]);
    topic.append('worse', 0, 'k');
    topic.append(null, 0, 'k');
    expect(all(client)).toEqual([]);
    topic.append('good', 0, 'k');
    topic.append(null, 0, 'k');
    expect(all(client)).toEqual([]);
  });

  test('Leaves.tells() of a key that was deleted as of a delete', () => {
    const topic = new MemoryTopic({ compacted: true });
    const client = join(topic);
    topic.append('good', 0, 'k');
    all(client);
    topic.append(null, 0, 'k');
    expect(all(client)).toEqual([`event:delete ${K}`]);
  });

  test('Leaves.tells() a slow client where the next record takes the place of the one that left', () => {
    const topic = new MemoryTopic({ compacted: true });
    const slow = join(topic);
    const prompt = join(topic);
    topic.append('good', 0, 'k');
    expect([all(slow), all(prompt)]).toEqual([['data:good'], ['data:good']]);
    topic.append('bad', 0, 'k');
    expect(all(prompt)).toEqual([`event:leave ${K}`]);
    topic.append('worse', 0, 'k');
    expect([all(slow), all(prompt)]).toEqual([[`event:leave ${K}`], []]);
    for (let n = 0; n < 5; n++) topic.append('worse', 0, 'k');
    expect([all(slow), all(prompt)]).toEqual([[], []]);
  });

  test('Leaves.tells() a client that passed where the key left when that was superseded', () => {
    const topic = new MemoryTopic({ compacted: true });
    const slow = join(topic);
    topic.append('good', 0, 'k');
    all(slow);
    topic.append('bad', 0, 'k');
    // More than one page, and more than is kept of the places.
    for (let n = 0; n < 40; n++) topic.append(`good${'x'.repeat(2000)}`, 0, `${n}`);
    topic.append('worse', 0, 'k');
    expect(next(slow).length).toBeLessThan(40);
    expect(all(slow)).toContain(`event:leave ${K}`);
  });

  test('Leaves.tells() nothing where the key has come in again', () => {
    const topic = new MemoryTopic({ compacted: true });
    const slow = join(topic);
    topic.append('good', 0, 'k');
    all(slow);
    topic.append('bad', 0, 'k');
    topic.append('good again', 0, 'k');
    expect(all(slow)).toEqual(['data:good again']);
  });

  test('Leaves.tells() a client that is back of each key that does not match now, a new one of none', () => {
    const topic = new MemoryTopic({ compacted: true });
    topic.append('bad', 0, 'k');
    topic.append('good', 0, 'other');
    expect(all(join(topic, 0))).toEqual(['data:good']);
    const back = new Client(topic, VIEW);
    const cursor = { topicId: topic.topicId, offsets: new Map([[0, 0]]) };
    back.comesTo(topic.log, Float64Array.of(0), cursor);
    const one = new Selected(back, topic.log, VIEW.filter!, 0, 0);
    expect(all(one)).toEqual([`event:leave ${K}`, 'data:good']);
    topic.append('bad', 0, 'never there');
    expect(all(one)).toEqual(['event:leave bmV2ZXIgdGhlcmU=']);
    topic.answer(topic.state);
    expect([back.isLiveOn(one), back.leaves!.isSettled, all(one)]).toEqual([false, true, []]);
    topic.append('bad', 0, 'never there either');
    expect(all(one)).toEqual([]);
  });

  test('Leaves.tells() all who may have it where the record before is not in memory', () => {
    const topic = new MemoryTopic({ compacted: true, maxBytes: 20_000 });
    const client = join(topic);
    topic.append('good', 0, 'k');
    all(client);
    for (let n = 0; n < 40; n++) topic.append('x'.repeat(1000), 0, `${n}`);
    all(client);
    topic.append('bad', 0, 'k');
    expect(all(client)).toEqual([`event:leave ${K}`]);
  });

  test('Leaves.tells() each of a view of its own keys, where they stand at the same place and get the rest alike', () => {
    const topic = new MemoryTopic({ compacted: true });
    const view = { ...VIEW, clients: 3 };
    const come = (): Selected => {
      const client = new Client(topic, view);
      client.comesTo(topic.log, topic.log.positions.slice(), null);
      const one = new Selected(client, topic.log, view.filter!, topic.log.nextSeq, 0);
      expect(all(one)).toEqual([]);
      return one;
    };
    const before = come();
    topic.append('good', 0, 'k');
    expect(all(before)).toEqual(['data:good']);
    const [late, later] = [come(), come()];
    topic.append('good a', 0, 'a');
    topic.append('bad', 0, 'k');
    topic.append('good b', 0, 'b');
    expect(next(before)).toEqual(['data:good a', `event:leave ${K}`, 'data:good b']);
    const bytes = late.take();
    expect(decoder.decode(bytes as Uint8Array)).not.toContain('leave');
    expect(later.take()).toBe(bytes);
  });

  test('Leaves.gets() what was read back: what its stream let through of it is known, where nothing else tells that', () => {
    const isLost = [true, false].map((gets) => {
      const topic = new MemoryTopic({ compacted: true, maxBytes: 20_000 });
      topic.log.guards!.isLoaded();
      topic.append('good', 0, 'k');
      for (let n = 0; n < 40; n++) topic.append('x'.repeat(1000), 0, `${n}`);
      // The filter comes with the file when the record has left memory.
      const guard = new Filter([], [isGood]);
      topic.log.guards!.keep([guard]);
      const client = new Client(topic, { ...VIEW, filter: new Filter([], [isGood], guard) });
      const cursor = { topicId: topic.topicId, offsets: new Map([[0, 0]]) };
      client.comesTo(topic.log, Float64Array.of(0), cursor);
      const block = new Segment({
        ...{ topic: 'events', topicId: topic.topicId, start: null, clock: null },
        ...{ firstSeq: 0, capacity: 64 },
      });
      const [key, value] = ['k', 'good'].map((text) => new TextEncoder().encode(text));
      block.append(0, {
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: key!,
        value: value!,
        headers: [],
      });
      if (gets) client.leaves!.gets(block, 0);
      topic.append('bad', 0, 'k');
      return client.leaves!.isLost;
    });
    expect(isLost).toEqual([false, true]);
  });

  test('Leaves.idTime() is of when the client had all: of a page whose keys are hidden, until its last block', () => {
    let now = 1_700_000_000_000;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now);
    const topic = new MemoryTopic({ compacted: true, clock: new IdClock(() => now) });
    topic.log.guards!.isLoaded();
    const timesOf = (guard: Filter | null): (string | undefined)[] => {
      const view = { ...VIEW, filter: new Filter([], [isGood], guard) };
      const client = new Client(topic, view);
      client.comesTo(topic.log, new Float64Array(topic.log.positions.length), null);
      const one = new Selected(client, topic.log, view.filter, topic.log.nextSeq, 0);
      one.take();
      now += 60_000;
      for (const key of ['a', 'b', 'c']) topic.append('good', 0, key);
      const text = decoder.decode(one.take() as Uint8Array);
      return [...text.matchAll(/\/~(\w+)/g)].map(([, time]) => time);
    };
    const shown = (ms: number): string => Math.floor(ms / 1000).toString(36);
    const guarded = timesOf(new Filter([], [isGood]));
    expect(guarded).toEqual([shown(now - 60_000), shown(now - 60_000), shown(now)]);
    expect(timesOf(null)).toEqual([shown(now), shown(now), shown(now)]);
    clock.mockRestore();
  });

  test('Leaves.tells() counts what it looks at, and takes a key with too many records for one that was had', () => {
    const topic = new MemoryTopic({ compacted: true });
    const [first, second, third] = [join(topic), join(topic), join(topic)];
    for (let n = 0; n < 900; n++) topic.append('bad', 0, 'k');
    expect(all(first)).toEqual([]);
    for (let n = 0; n < 300; n++) topic.append('bad', 0, 'k');
    expect([all(second), topic.turns.isOver]).toEqual([[`event:leave ${K}`], false]);
    all(third);
    expect(topic.turns.isOver).toBe(true);
  });
});
