import { describe, expect, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { IdClock } from '../log/id_clock.ts';
import { constantOf, Filter } from '../views/filter.ts';
import { PLAIN } from '../views/view.ts';
import { Client } from './client.ts';
import { Opening } from './opening.ts';
import type { Start, Step } from './step.ts';

const NEW = { cursor: null, since: null };
const OTHER_ID = Uint8Array.of(9, 9, 9, 9);

/** A topic with two partitions of three records. */
function topicOfSix(): MemoryTopic {
  const topic = new MemoryTopic({ partitions: 2 });
  for (let n = 0; n < 3; n++) for (const partition of [0, 1]) topic.append(`${n}`, partition);
  return topic;
}

function open(topic: MemoryTopic, start: Start): { opening: Opening; client: Client } {
  const client = new Client(topic, PLAIN);
  return { opening: new Opening(client, start), client };
}

function cursorOf(topicId: Uint8Array, ...offsets: [number, number][]): Start {
  return { cursor: { topicId, offsets: new Map(offsets) }, since: null };
}

/** Where a step resumes and what it tells first. */
function told(step: Step | null): unknown {
  if (step === null || !('resume' in step)) return step;
  const { place, first } = step;
  return [
    [...place.positions],
    first === null || first === 'place' ? first : [first.reason, first.partitions],
  ];
}

describe('Opening', () => {
  test('Opening.take() has a new client begin at the beginning, with nothing before it', () => {
    const topic = topicOfSix();
    const { opening, client } = open(topic, NEW);
    expect(told(opening.take())).toEqual([[0, 0], null]);
    expect(client.isNewToAny()).toBe(true);
    expect(topic.asked).toEqual([]);
  });

  test('Opening.take() waits until the topic is loaded', () => {
    const topic = topicOfSix();
    topic.isLoaded = false;
    const { opening } = open(topic, NEW);
    expect(opening.take()).toBeNull();
    topic.isLoaded = true;
    expect(told(opening.take())).toEqual([[0, 0], null]);
  });

  test('Opening.take() has a live client stand where the log ended when it came', () => {
    const topic = topicOfSix();
    const { opening } = open(topic, { cursor: null, since: 'latest' });
    const end = topic.log.end();
    topic.append('later');
    expect(opening.take()).toEqual({ share: end, liveFrom: end.seq, first: 'place' });
  });

  test('Opening.take() tells of a cursor that cannot be read, and begins anew', () => {
    const { opening } = open(topicOfSix(), { cursor: 'unreadable', since: null });
    expect(told(opening.take())).toEqual([
      [0, 0],
      ['unreadable-cursor', []],
    ]);
  });

  test('Opening.take() asks nothing for a cursor that the log has passed', () => {
    const topic = topicOfSix();
    const { opening, client } = open(topic, cursorOf(topic.topicId, [0, 2]));
    expect(told(opening.take())).toEqual([[2, 0], null]);
    expect([client.isNewTo(0), client.isNewTo(1)]).toEqual([false, true]);
    expect(topic.asked).toEqual([]);
  });

  test.each([
    [
      'of another topic',
      OTHER_ID,
      2,
      3,
      [
        [0, 0],
        ['recreated', [{ partition: 0, from: 2, to: 0 }]],
      ],
    ],
    [
      'beyond the end',
      null,
      7,
      3,
      [
        [3, 0],
        ['truncated', [{ partition: 0, from: 7, to: 3 }]],
      ],
    ],
    ['ahead of this gateway', null, 7, 9, [[7, 0], null]],
    [
      'without an id beyond the end',
      new Uint8Array(4),
      7,
      3,
      [
        [0, 0],
        ['recreated', [{ partition: 0, from: 7, to: 0 }]],
      ],
    ],
  ])('Opening.take() asks about a cursor %s', (_, id, offset, end, expected) => {
    const topic = topicOfSix();
    const { opening } = open(topic, cursorOf(id ?? topic.topicId, [0, offset]));
    expect([opening.take(), opening.take()]).toEqual([null, null]);
    expect(topic.asked).toEqual([null]);
    topic.ends.set(0, end);
    topic.answer(topic.state);
    expect(told(opening.take())).toEqual(expected);
  });

  test('Opening.take() asks again where the topic is another by now', () => {
    const topic = topicOfSix();
    const { opening } = open(topic, cursorOf(OTHER_ID, [0, 2]));
    opening.take();
    topic.answer(null);
    expect(opening.take()).toBeNull();
    expect(topic.asked).toEqual([null, null]);
  });

  test('Opening.take() begins at a time, and tells the place', () => {
    const topic = topicOfSix();
    const { opening } = open(topic, { cursor: null, since: 1_700_000_000_000 });
    expect(opening.take()).toBeNull();
    expect(topic.asked).toEqual([1_700_000_000_000]);
    topic.answer(
      new Map([
        [0, 1],
        [1, 3],
      ]),
    );
    expect(told(opening.take())).toEqual([[1, 3], 'place']);
  });

  test('Opening.take() begins so many offsets before the ends, never before the log starts', () => {
    const topic = topicOfSix();
    const { opening } = open(topic, { cursor: null, since: -2 });
    expect(opening.take()).toBeNull();
    expect(topic.asked).toEqual([null]);
    // What this gateway has not read yet counts, too.
    topic.ends.set(0, 9);
    topic.starts[1] = 2;
    topic.answer(topic.state);
    expect(told(opening.take())).toEqual([[7, 2], 'place']);
  });

  test('Opening.take() has one start over that comes with an id of before its stream let something else through, though nothing was written', () => {
    const topic = new MemoryTopic({ compacted: true, clock: new IdClock() });
    topic.append('1', 0, 'k');
    topic.log.guards!.isLoaded();
    const since = Date.now();
    const own = [{ field: 'header:owner', values: [constantOf('alice')] }] as const;
    const filter = new Filter(own, [], new Filter(own, []), since);
    const view = { ...PLAIN, filter, clients: 1 };
    const reasons = [-1, 60].map((seconds) => {
      const cursor = {
        topicId: topic.topicId,
        offsets: new Map([[0, 1]]),
        time: Math.floor(since / 1000) + seconds,
      };
      const client = new Client(topic, view);
      const opening = new Opening(client, { cursor, since: null });
      let step = opening.take();
      if (topic.isAsked) {
        topic.answer(topic.state);
        step = opening.take();
      }
      const { first } = step as { first: { reason: string } | null };
      return first?.reason ?? null;
    });
    expect(reasons).toEqual(['view', null]);
  });

  test('Opening asks for the log starts where a new client begins below memory', () => {
    const topic = topicOfSix();
    topic.log.start = topic.log.positions.slice();
    const { opening } = open(topic, NEW);
    expect(opening.take()).toBeNull();
    topic.starts[0] = 2;
    topic.answer(topic.state);
    expect(told(opening.take())).toEqual([[2, 0], null]);
  });

  test('Opening leaves no question behind when its client goes', () => {
    const topic = topicOfSix();
    const { opening, client } = open(topic, cursorOf(OTHER_ID, [0, 2]));
    opening.take();
    expect(topic.isAsked).toBe(true);
    client.asks(null);
    expect(topic.isAsked).toBe(false);
  });
});
