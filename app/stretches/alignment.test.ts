import { describe, expect, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import { PLAIN } from '../views/view.ts';
import { parseCursor } from '../wire/cursor.ts';
import { Alignment } from './alignment.ts';
import { Client } from './client.ts';
import type { Stretch } from './stretch.ts';

const decoder = new TextDecoder();

/** Two partitions, read in turns: 0a 1a 0b 1b 0c 1c. */
function topicInTurns(): MemoryTopic {
  const topic = new MemoryTopic({ partitions: 2 });
  for (const letter of 'abc') for (const partition of [0, 1]) topic.append(letter, partition);
  return topic;
}

function align(topic: MemoryTopic, positions: number[], unknown: [number, number][] = []) {
  const client = new Client(topic, PLAIN);
  const { topicId } = topic;
  const place = { topicId, positions: Float64Array.from(positions), unknown };
  return { client, alignment: new Alignment(client, topic.log, place) };
}

/** The blocks that come next: what is sent, and where the client is then. */
function blocks(stretch: Stretch): [string, number[]][] {
  const bytes = stretch.take();
  if (!(bytes instanceof Uint8Array)) throw new Error(`no bytes: ${JSON.stringify(bytes)}`);
  return [...decoder.decode(bytes).matchAll(/(?:event:(\w+)\n)?data:(.*)\nid:(.+)\n\n/g)].map(
    ([, event, data, id]) => [event ?? data!, [...parseCursor(id!)!.offsets.values()]],
  );
}

describe('Alignment', () => {
  test('Alignment.take() skips what the client has, and makes ids of its own', () => {
    const { alignment } = align(topicInTurns(), [0, 2]);
    expect(blocks(alignment)).toEqual([
      ['a', [1, 2]],
      ['b', [2, 2]],
    ]);
  });

  test('Alignment.take() ends where the cursor is that of the feed', () => {
    const topic = topicInTurns();
    const { alignment } = align(topic, [0, 2]);
    alignment.take();
    const step = alignment.take();
    expect(step).toMatchObject({ share: { log: topic.log, seq: 4 }, liveFrom: 6, first: null });
  });

  test('Alignment waits ahead of the feed, and opens again once it lies beyond the end', () => {
    const topic = topicInTurns();
    const { alignment } = align(topic, [5, 3]);
    topic.ends.set(0, 5);
    expect(alignment.take()).toBeNull();
    expect(alignment.isAhead).toBe(true);
    topic.ends.set(0, 3);
    const offsets = new Map([
      [0, 5],
      [1, 3],
    ]);
    expect(alignment.take()).toEqual({
      open: { cursor: { topicId: topic.topicId, offsets }, since: null, lacksDeletes: false },
    });
  });

  test('Alignment.pass() goes past what the client has, up to what it lacks, and on where it is aligned', () => {
    const topic = topicInTurns();
    const { alignment, client } = align(topic, [0, 2]);
    expect(alignment.pass()).toBeNull();
    expect([[...alignment.place().positions], client.isPastId]).toEqual([[0, 2], false]);
    expect(align(topic, [3, 2]).alignment.pass()).toMatchObject({ share: { seq: 5 }, first: null });
    expect(blocks(alignment)).toHaveLength(2);
  });

  test('Alignment.take() keeps partitions in its ids that are not known here yet', () => {
    const topic = topicInTurns();
    const { alignment } = align(topic, [3, 2], [[4, 7]]);
    expect(blocks(alignment)).toEqual([['c', [3, 3, 7]]]);
    expect(alignment.take()).toBeNull();
  });

  test('Alignment.take() tells of what was lost, but not those who had nothing of it', () => {
    const topic = topicInTurns();
    topic.lose(0, 9);
    topic.append('d', 1);
    expect(blocks(align(topic, [3, 4]).alignment)).toEqual([['gap', [9, 4]]]);
    expect(topic.traffic.gapsSent.retention).toBe(1);
    const { alignment, client } = align(topic, [3, 4]);
    client.comesTo(topic.log, Float64Array.of(3, 4), null);
    expect(alignment.take()).toMatchObject({ share: { seq: topic.log.nextSeq } });
    expect(topic.traffic.gapsSent.retention).toBe(1);
  });

  test('Alignment.take() resumes in what has become of the log', () => {
    const topic = topicInTurns();
    const { alignment } = align(topic, [0, 2]);
    topic.log.addPartitions(Float64Array.of(0, 0, 0));
    expect(alignment.take()).toMatchObject({ resume: topic.log, first: null });
    topic.log.successor = topic.newLog();
    expect(alignment.take()).toHaveProperty('open');
  });

  test('Alignment.isPast() compares cursors', () => {
    const topic = topicInTurns();
    const end = topic.log.end();
    expect(align(topic, [3, 3]).alignment.isPast(end)).toBe(true);
    expect(align(topic, [9, 2]).alignment.isPast(end)).toBe(false);
  });
});
