import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Gateway, kafka } from './face.ts';

/** Settings and log starts are looked at again at least so often. */
const LOOK_AGAIN_MS = 60_000;

/** What `/-/topics` says of the one topic of a gateway. */
async function isCompacted(gateway: Gateway): Promise<boolean> {
  const { body } = await curl(`${gateway.http}/-/topics`);
  return JSON.parse(`${body}`).topics[0].compacted;
}

/** Values that come from an id on, up to the one that ends with `last`. */
async function valuesFrom(gateway: Gateway, path: string, id: string): Promise<string[]> {
  await using stream = await gateway.stream(path, { headers: { 'last-event-id': id } });
  await stream.until('the last value', () => Boolean(stream.events.at(-1)?.data.endsWith('last')));
  return stream.events.map(({ event, data }) => (event === 'message' ? data : `${event} ${data}`));
}

onEachRuntime((runtime) => {
  describe('cleanup.policy', () => {
    test(
      'that becomes compact takes the superseded from those who come, nothing from the rest',
      async () => {
        const topic = await kafka.createTopic();
        const path = `/${topic.name}`;
        await topic.produce(
          { key: 'a', value: 'a1' },
          { value: 'no key' },
          { key: 'a', value: 'a2' },
        );
        await topic.produce({ key: 'b', value: 'b1' }, { value: 'no key' }, { key: 'c' });
        await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        await using connected = await gateway.stream(path);
        await connected.untilEvents(6);
        expect(await isCompacted(gateway)).toBe(false);

        await topic.configure({ 'cleanup.policy': 'compact' });
        await eventually('the new policy', () => isCompacted(gateway), LOOK_AGAIN_MS);
        await topic.produce({ key: 'a', value: 'a3' }, { key: 'd', value: 'last' });
        const events = await connected.untilEvents(8);
        expect(events.map(({ id }) => id)).toEqual(
          [1, 2, 3, 4, 5, 6, 7, 8].map((n) => topic.cursor(n)),
        );
        expect(events.map(({ data }) => data)).toEqual([
          'a1',
          'no key',
          'a2',
          'b1',
          'no key',
          'Yw==',
          'a3',
          'last',
        ]);
        const latest = ['no key', 'b1', 'no key', 'delete Yw==', 'a3', 'last'];
        expect(await valuesFrom(gateway, path, '')).toEqual(latest);
        expect(await valuesFrom(gateway, path, topic.cursor(1))).toEqual(latest);
        expect(await valuesFrom(gateway, path, topic.cursor(4))).toEqual(latest.slice(2));
      },
      2 * LOOK_AGAIN_MS,
    );

    test(
      'that is compact no more gives those who come all that is there',
      async () => {
        const topic = await kafka.createTopic({ compacted: true });
        const path = `/${topic.name}`;
        await topic.produce(...['a1', 'a2'].map((value) => ({ key: 'a', value })));
        await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        await using connected = await gateway.stream(path);
        await connected.untilEvents(1);

        await topic.configure({ 'cleanup.policy': 'delete' });
        const isPlain = async (): Promise<boolean> => !(await isCompacted(gateway));
        await eventually('the new policy', isPlain, LOOK_AGAIN_MS);
        await topic.produce(...['a3', 'last'].map((value) => ({ key: 'a', value })));
        const events = await connected.untilEvents(3);
        expect(events.map(({ data }) => data)).toEqual(['a2', 'a3', 'last']);
        expect(await valuesFrom(gateway, path, '')).toEqual(['a1', 'a2', 'a3', 'last']);
      },
      2 * LOOK_AGAIN_MS,
    );

    test(
      'compact,delete gives the latest of each key of what is not deleted',
      async () => {
        const topic = await kafka.createTopic({ configs: { 'cleanup.policy': 'compact,delete' } });
        const path = `/${topic.name}`;
        const keys = ['a', 'b', 'a', 'c', 'b', 'd'];
        await topic.produce(...keys.map((key, at) => ({ key, value: `${key}${at}` })));
        await topic.produce({ key: 'e', value: 'last' });
        await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        expect(await isCompacted(gateway)).toBe(true);
        expect(await valuesFrom(gateway, path, '')).toEqual(['a2', 'c3', 'b4', 'd5', 'last']);

        await topic.deleteBefore(4);
        const left = async (): Promise<boolean> =>
          `${await valuesFrom(gateway, path, '')}` === 'b4,d5,last';
        await eventually('only what Kafka has', left, LOOK_AGAIN_MS);
        await using other = await Gateway.startReady(runtime, { topics: [topic.name] });
        expect(await valuesFrom(other, path, '')).toEqual(['b4', 'd5', 'last']);
        const partitions = [{ partition: 0, from: 1, to: 4 }];
        const gap = JSON.stringify({ reason: 'retention', topic: topic.name, partitions });
        expect(await valuesFrom(other, path, topic.cursor(1))).toEqual([
          `gap ${gap}`,
          'b4',
          'd5',
          'last',
        ]);
        expect(await valuesFrom(other, path, topic.cursor(5))).toEqual(['d5', 'last']);
      },
      2 * LOOK_AGAIN_MS,
    );
  });
});
