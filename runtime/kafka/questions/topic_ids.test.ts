import { expect, test } from '@jest/globals';
import { TopicIds } from './topic_ids.ts';

const ID = Uint8Array.of(1, 2, 3, 4);

/** Ids of which only `known` are told, and a clock that stands still. */
function ids(...known: string[]) {
  const asked: string[][] = [];
  const clock = { now: 0 };
  const one = new TopicIds(
    async (topics) => {
      asked.push(topics);
      return new Map(topics.filter((topic) => known.includes(topic)).map((topic) => [topic, ID]));
    },
    () => clock.now,
  );
  return { one, asked, clock };
}

test('TopicIds.idOf() asks for all topics that are read at once, 50 times a second', async () => {
  const topics = Array.from({ length: 100 }, (_, n) => `topic ${n}`);
  const { one, asked, clock } = ids(...topics);
  for (; clock.now < 1000; clock.now++) {
    await Promise.all(topics.map((topic) => one.idOf(topic)));
  }
  expect(asked).toEqual(Array.from({ length: 50 }, () => topics));
});

test('TopicIds.idOf() asks anew for a topic that the last answer does not tell', async () => {
  const { one, asked } = ids('a', 'b');
  expect(await one.idOf('a')).toBe(ID);
  expect(await one.idOf('b')).toBe(ID);
  expect(asked).toEqual([['a'], ['a', 'b']]);
  await expect(one.idOf('c')).rejects.toThrow('do not tell the id of topic c');
});
