import { describe, expect, test } from '@jest/globals';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { cursorText, gapBlock, oldCursorText } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const DAY_SECONDS = 86_400;

onEachRuntime((runtime) => {
  describe('a client of a compacted topic that comes back', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '0' }, { key: 'b', value: '1' });
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });
    /** An id that was made so many days ago. */
    const idOf = (next: number, days: number): string => {
      const seconds = Math.floor(Date.now() / 1000) - Math.round(days * DAY_SECONDS);
      return `${topic.cursor(next)}/~${seconds.toString(36)}`;
    };
    const blocks = async (id: string): Promise<string[]> => {
      const headers = { 'last-event-id': id };
      await using stream = await gateway().stream(`/${topic.name}?format=json`, { headers });
      await stream.until('live', () => stream.events.at(-1)?.event === 'live');
      return stream.events.map(({ event, data, raw }) =>
        event === 'message' ? `${JSON.parse(data).value}` : raw,
      );
    };
    const live = (): string => `event:live\ndata:{}\nid:${topic.cursor(2)}\n\n`;

    test('after more than delete.retention.ms starts over, where something was written', async () => {
      const gap = gapBlock('deletes', topic.name, [[0, 1, 0]], topic.cursor(0));
      for (const days of [1.01, 400]) {
        expect(await blocks(idOf(1, days))).toEqual([gap, '0', '1', live()]);
      }
    });

    test('goes on where nothing was written', async () => {
      expect(await blocks(idOf(2, 400))).toEqual([live()]);
    });

    test('after less than half of it goes on, its id being a quarter old', async () => {
      expect(await blocks(idOf(1, 0.75))).toEqual(['1', live()]);
      expect(await blocks(idOf(1, 0))).toEqual(['1', live()]);
    });

    test('with an id that says no time goes on, however old', async () => {
      expect(await blocks(topic.cursor(1))).toEqual(['1', live()]);
      expect(await blocks(oldCursorText([1]))).toEqual(['1', live()]);
    });

    test('is told alone that the topic was made anew, and before all of deletes that its log was cut', async () => {
      const other = `${cursorText('deadbeef', [1])}/~1`;
      expect((await blocks(other))[0]).toContain('"reason":"recreated"');
      expect((await blocks(idOf(7, 2)))[0]).toContain('"reason":"truncated"');
    });
  });

  test('a client of a topic that is not compacted goes on, whatever time its id says', async () => {
    const topic = await kafka.createTopic();
    await topic.produce({ value: '0' }, { value: '1' });
    await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
    const id = `${topic.cursor(1)}/~1`;
    expect(await gateway.blocks(`/${topic.name}`, id, 1)).toEqual([
      `data:1\nid:${topic.cursor(2)}\n\n`,
    ]);
  });
});
