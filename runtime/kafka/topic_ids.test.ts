import { expect, test } from '@jest/globals';
import { TopicIds } from './topic_ids.ts';

const ID = Uint8Array.of(1, 2, 3, 4);

/** Ids of which only `known` are told. */
function ids(...known: string[]) {
  const asked: string[][] = [];
  const one = new TopicIds(async (topics) => {
    asked.push(topics);
    return new Map(topics.filter((topic) => known.includes(topic)).map((topic) => [topic, ID]));
  });
  return { one, asked };
}

test('TopicIds.idOf() asks for all topics that are read at once, bounded by time', async () => {
  const topics = Array.from({ length: 100 }, (_, n) => `topic ${n}`);
  const { one, asked } = ids(...topics);
  const begun = performance.now();
  for (let round = 0; round < 50; round++) {
    await Promise.all(topics.map((topic) => one.idOf(topic)));
  }
  const inTime = Math.ceil((performance.now() - begun) / 20);
  // The first is asked before the others come.
  expect(asked.length).toBeLessThanOrEqual(inTime + 1);
  expect(asked[1]).toEqual(topics);
});

test('TopicIds.idOf() asks anew for a topic that the last answer does not tell', async () => {
  const { one, asked } = ids('a', 'b');
  expect(await one.idOf('a')).toBe(ID);
  expect(await one.idOf('b')).toBe(ID);
  expect(asked).toEqual([['a'], ['a', 'b']]);
  await expect(one.idOf('c')).rejects.toThrow('do not tell the id of topic c');
});
