import { expect, test } from '@jest/globals';
import { TopicCheck } from './topic_check.ts';

const ID = Uint8Array.of(1, 2, 3, 4);
const FOREVER = new AbortController().signal;

function check(...answers: (Uint8Array | null | Error)[]): {
  one: TopicCheck;
  asked: () => number;
} {
  let asked = 0;
  const one = new TopicCheck({ name: 'events', id: ID }, async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { one, asked: () => asked };
}

test('TopicCheck takes records of the topic that was meant, and asks less often than they come', async () => {
  const { one, asked } = check(ID);
  for (let n = 0; n < 1000; n++) await one.assertSame(FOREVER);
  expect(asked()).toBeLessThan(1000);
});

test.each([
  ['was made anew', Uint8Array.of(1, 2, 3, 5)],
  ['is gone', null],
])('TopicCheck refuses records once the topic %s', async (_, found) => {
  await expect(check(found).one.assertSame(FOREVER)).rejects.toThrow(
    'topic events was deleted or made anew',
  );
});

test('TopicCheck takes records while the brokers do not say what the topic is', async () => {
  const { one, asked } = check(new Error('no answer'));
  await one.assertSame(FOREVER);
  await one.assertSame(FOREVER);
  expect(asked()).toBe(1);
});

test('TopicCheck waits for an answer only so long', async () => {
  const never = new TopicCheck({ name: 'events', id: ID }, () => new Promise(() => {}));
  await never.assertSame(FOREVER);
  await never.assertSame(FOREVER);
});

test('TopicCheck asks nothing where the brokers give no ids', async () => {
  const one = new TopicCheck({ name: 'events', id: new Uint8Array(4) }, () => {
    throw new Error('asked');
  });
  await one.assertSame(FOREVER);
});
