import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { writeLabelled, writeNumbered } from '../support/numbered_records.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';
import { cursorOffsets, gapBlock, type Lost } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const A_MINUTE_MS = 60_000;

/** What gaps for the reason retention tell; each partition goes on where it says. */
function lostOf(events: readonly Block[], { name }: Topic): Lost[] {
  const lost = events
    .filter(({ event }) => event === 'gap')
    .flatMap(({ data, id }) => {
      const { partitions, ...rest } = JSON.parse(data);
      expect(rest).toEqual({ reason: 'retention', topic: name });
      return partitions.map(({ partition, from, to }: Record<string, number>): Lost => {
        expect(cursorOffsets(id).get(partition!)).toBe(to);
        return [partition!, from!, to!];
      });
    });
  return lost.sort(([a], [b]) => a - b);
}

onEachRuntime((runtime) => {
  describe('a gap for the reason retention', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ partitions: 3 });
      for (const partition of [0, 1, 2]) await writeLabelled(topic, `${partition}`, 20, partition);
      // A gateway that runs already may not know of it for some seconds.
      await topic.deleteBefore(12, 0);
      await topic.deleteBefore(20, 2);
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each<[Record<number, number>, readonly Lost[]]>([
      [
        { 0: 5, 1: 5, 2: 5 },
        [
          [0, 5, 12],
          [2, 5, 20],
        ],
      ],
      [{ 0: 11, 1: 20, 2: 20 }, [[0, 11, 12]]],
      [
        { 0: 0, 1: 0, 2: 19 },
        [
          [0, 0, 12],
          [2, 19, 20],
        ],
      ],
      [{ 0: 12, 1: 19, 2: 20 }, []],
      [{ 0: 13, 1: 0, 2: 20 }, []],
      [{ 1: 3 }, []],
      [{}, []],
    ])('names what was deleted before a client came back: %j', async (from, lost) => {
      const expected = [Math.max(12, from[0] ?? 0), from[1] ?? 0, 20].flatMap((first, partition) =>
        Array.from({ length: 20 - first }, (_, n) => `${partition} ${first + n}`),
      );
      const cursor = Object.entries(from).map(([key, next]) => [Number(key), next] as const);
      await using stream = await gateway().stream(`/${topic.name}`, {
        headers: { 'last-event-id': cursor.length === 0 ? '' : topic.cursorOf(new Map(cursor)) },
      });
      const values = (): string[] =>
        stream.events.filter(({ event }) => event === 'message').map(({ data }) => data);
      await stream.until('the values and gaps', () => {
        const got = values().length >= expected.length;
        return got && lostOf(stream.events, topic).length >= lost.length;
      });
      expect(values().sort()).toEqual(expected.sort());
      expect(lostOf(stream.events, topic)).toEqual(lost);
    });

    test('is told in the form that the contract has, and is told once', async () => {
      const one = await kafka.createTopic();
      await writeLabelled(one, 'value', 8);
      await using own = await Gateway.startReady(runtime, { topics: [one.name] });
      await one.deleteBefore(6);
      const blocks = await own.blocks(`/${one.name}`, one.cursor(2), 3);
      expect(blocks).toEqual([
        gapBlock('retention', one.name, [[0, 2, 6]], one.cursor(6)),
        `data:value 6\nid:${one.cursor(7)}\n\n`,
        `data:value 7\nid:${one.cursor(8)}\n\n`,
      ]);
      expect(await own.blocks(`/${one.name}`, one.cursor(6), 2)).toEqual(blocks.slice(1));
    });

    test('is none to a new client that comes right after the records were deleted', async () => {
      const one = await kafka.createTopic({ partitions: 3 });
      for (const partition of [0, 1, 2]) await writeLabelled(one, `${partition}`, 9, partition);
      await using own = await Gateway.startReady(runtime, { topics: [one.name] });
      await using connected = await own.stream(`/${one.name}`);
      await connected.untilEvents(27);
      for (const partition of [1, 2]) await one.deleteBefore(5, partition);
      await using stream = await own.stream(`/${one.name}`);
      const events = await stream.untilEvents(9 + 4 + 4);
      expect(events.filter(({ event }) => event !== 'message')).toEqual([]);
    });

    test(
      'is none to new clients, who get what is left, after a minute at the latest',
      async () => {
        const one = await kafka.createTopic();
        await using own = await Gateway.startReady(runtime, { topics: [one.name] });
        await writeLabelled(one, 'value', 8);
        await using connected = await own.stream(`/${one.name}`);
        await connected.untilEvents(8);
        await one.deleteBefore(6);
        const first = `data:value 6\nid:${one.cursor(7)}\n\n`;
        const isLeft = async (): Promise<boolean> =>
          (await own.blocks(`/${one.name}`, '', 1))[0] === first;
        await eventually('only what is left', isLeft, A_MINUTE_MS);
      },
      2 * A_MINUTE_MS,
    );

    test('names what was deleted while a client was reading below memory', async () => {
      const COUNT = 20_000;
      const KEPT = 1000;
      const large = await kafka.createTopic();
      await writeNumbered(large, 0, COUNT);
      await using own = await Gateway.startReady(runtime, {
        topics: [large.name],
        env: { FEED_MEMORY_MB: '1', STALL_SECONDS: '0' },
      });
      await using stream = await own.stream(`/${large.name}`);
      await stream.untilEvents(1);
      stream.pause();
      await large.deleteBefore(COUNT - KEPT);
      stream.resume();
      const end = large.cursor(COUNT);
      await stream.until('the last record', () => stream.events.at(-1)?.id === end);
      const { events } = stream;
      const at = events.findIndex(({ event }) => event === 'gap');
      const to = COUNT - KEPT;
      expect(events[at]!.raw).toBe(
        gapBlock('retention', large.name, [[0, at, to]], large.cursor(to)),
      );
      const records = events.toSpliced(at, 1);
      const offsets = records.map(({ data }) => Number(data.split(' ')[0]));
      const expected = Array.from({ length: records.length }, (_, n) => (n < at ? n : n - at + to));
      expect(offsets).toEqual(expected);
    });
  });
});
