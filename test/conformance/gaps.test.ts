import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { writeNumbered } from '../support/numbered_records.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';
import { cursorOffsets, cursorText, oldCursorText } from '../support/wire_format.ts';

type Lost = readonly [partition: number, from: number, to: number];

/** Clients that are connected are told of a topic made anew within this time. */
const TOLD_MS = 15_000;

/** The block of a gap; the stream goes on at `id`. */
function gapBlock(reason: string, { name }: Topic, lost: readonly Lost[], id: string): string {
  const partitions = lost.map(([partition, from, to]) => ({ partition, from, to }));
  return `event:gap\ndata:${JSON.stringify({ reason, topic: name, partitions })}\nid:${id}\n\n`;
}

/** Writes `<label> 0`, `<label> 1` … to a partition. */
function write(topic: Topic, label: string, count: number, partition = 0): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => ({ value: `${label} ${n}`, partition }));
  return topic.produce(...records);
}

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
  /** The first blocks that come after the one with the time to come back. */
  async function blocksOf(
    gateway: Gateway,
    topic: Topic,
    id: string,
    count: number,
    query = '',
  ): Promise<string[]> {
    await using stream = await gateway.stream(`/${topic.name}${query}`, {
      headers: { 'last-event-id': id },
    });
    await stream.until(`${count} blocks`, () => stream.blocks.length > count);
    return stream.blocks.slice(1, count + 1).map(({ raw }) => raw);
  }

  describe('a gap for the reason retention', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ partitions: 3 });
      for (const partition of [0, 1, 2]) await write(topic, `${partition}`, 20, partition);
      const one = await Gateway.startReady(runtime, { topics: [topic.name] });
      await topic.deleteBefore(12, 0);
      await topic.deleteBefore(20, 2);
      return one;
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
      await write(one, 'value', 8);
      await using own = await Gateway.startReady(runtime, { topics: [one.name] });
      await one.deleteBefore(6);
      const blocks = await blocksOf(own, one, one.cursor(2), 3);
      expect(blocks).toEqual([
        gapBlock('retention', one, [[0, 2, 6]], one.cursor(6)),
        `data:value 6\nid:${one.cursor(7)}\n\n`,
        `data:value 7\nid:${one.cursor(8)}\n\n`,
      ]);
      expect(await blocksOf(own, one, one.cursor(6), 2)).toEqual(blocks.slice(1));
    });

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
      expect(events[at]!.raw).toBe(gapBlock('retention', large, [[0, at, to]], large.cursor(to)));
      const records = events.toSpliced(at, 1);
      const offsets = records.map(({ data }) => Number(data.split(' ')[0]));
      const expected = Array.from({ length: records.length }, (_, n) => (n < at ? n : n - at + to));
      expect(offsets).toEqual(expected);
    });
  });

  describe('a gap for the reason recreated', () => {
    test(
      'is told to those who are connected, and those who come back, of both kinds',
      async () => {
        const olds: Topic[] = [];
        for (const compacted of [false, true]) {
          const old = await kafka.createTopic({ compacted, partitions: 2 });
          for (const [partition, count] of [9, 2].entries()) {
            for (let n = 0; n < count; n++) {
              await old.produce({ key: `${n}`, value: `old ${partition} ${n}`, partition });
            }
          }
          olds.push(old);
        }
        await using gateway = await Gateway.startReady(runtime, {
          topics: olds.map(({ name }) => name),
        });
        for (const [kind, old] of olds.entries()) {
          await using connected = await gateway.stream(`/${old.name}`);
          await connected.untilEvents(11);
          await kafka.deleteTopic(old.name);
          const topic = await kafka.createTopic({ name: old.name, compacted: kind === 1 });
          expect(topic.id).not.toBe(old.id);
          await topic.produce(...['a', 'b', 'c', 'd'].map((key) => ({ key, value: `new ${key}` })));
          await within('the gap and the new records', connected.untilEvents(16), TOLD_MS);
          const records = ['a', 'b', 'c', 'd'].map(
            (key, n) => `data:new ${key}\nid:${topic.cursor(n + 1)}\n\n`,
          );
          const gap = (lost: readonly Lost[]): string =>
            gapBlock('recreated', topic, lost, topic.cursor(0));
          expect(connected.events.slice(11).map(({ raw }) => raw)).toEqual([
            gap([
              [0, 9, 0],
              [1, 2, 0],
            ]),
            ...records,
          ]);
          // One fits into the new topic, one does not.
          for (const lost of [
            [[0, 3, 0]],
            [
              [0, 2, 0],
              [1, 7, 0],
            ],
          ] as const) {
            const id = old.cursorOf(new Map(lost.map(([partition, from]) => [partition, from])));
            expect(await blocksOf(gateway, topic, id, 5)).toEqual([gap(lost), ...records]);
          }
        }
      },
      4 * TOLD_MS,
    );

    test('is told where a cursor without an id lies beyond the end', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await write(topic, 'gone', 2);
      await write(topic, 'value', 2);
      await topic.deleteBefore(2);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const blocks = [
        gapBlock(
          'recreated',
          topic,
          [
            [0, 9, 2],
            [1, 0, 0],
          ],
          topic.cursor(2, 0),
        ),
        `data:value 0\nid:${topic.cursor(3, 0)}\n\n`,
        `data:value 1\nid:${topic.cursor(4, 0)}\n\n`,
      ];
      for (const id of [oldCursorText([9, 0]), cursorText('00000000', [9, 0])]) {
        expect(await blocksOf(gateway, topic, id, 3)).toEqual(blocks);
      }
      for (const id of [oldCursorText([3, 0]), cursorText('00000000', [3, 0])]) {
        expect(await blocksOf(gateway, topic, id, 1)).toEqual(blocks.slice(2));
      }
    });
  });

  describe('a gap for the reason truncated', () => {
    test.each<[offsets: number[], lost: readonly Lost[], goesOn: number[]]>([
      [[3, 9, 3], [[1, 9, 3]], [3, 3, 3]],
      [
        [4, 2 ** 50, 3],
        [
          [0, 4, 3],
          [1, 2 ** 50, 3],
        ],
        [3, 3, 3],
      ],
    ])('is told where a cursor lies beyond the end: %j', async (offsets, lost, goesOn) => {
      const topic = await kafka.createTopic({ partitions: 3 });
      for (const partition of [0, 1, 2]) await write(topic, 'old', 3, partition);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await gateway.stream(`/${topic.name}`, {
        headers: { 'last-event-id': topic.cursor(...offsets) },
      });
      await stream.untilEvents(1);
      await write(topic, 'live', 1, 1);
      const events = await stream.untilEvents(2);
      expect(events.map(({ raw }) => raw)).toEqual([
        gapBlock('truncated', topic, lost, topic.cursor(...goesOn)),
        `data:live 0\nid:${topic.cursor(3, 4, 3)}\n\n`,
      ]);
    });

    test('leaves the other partitions as they were', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await write(topic, 'value', 3);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      expect(await blocksOf(gateway, topic, topic.cursor(1, 5), 3)).toEqual([
        gapBlock('truncated', topic, [[1, 5, 0]], topic.cursor(1, 0)),
        `data:value 1\nid:${topic.cursor(2, 0)}\n\n`,
        `data:value 2\nid:${topic.cursor(3, 0)}\n\n`,
      ]);
    });
  });

  describe('a gap for the reason unreadable-cursor', () => {
    test('goes on where since says', async () => {
      const topic = await kafka.createTopic();
      const time = Date.now() - 60_000;
      await topic.produce(...[0, 1, 2].map((n) => ({ value: `value ${n}`, timestamp: time + n })));
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const gapAt = (next: number): string =>
        gapBlock('unreadable-cursor', topic, [], topic.cursor(next));
      expect(await blocksOf(gateway, topic, 'none', 3, `?since=${time + 1}`)).toEqual([
        gapAt(1),
        `data:value 1\nid:${topic.cursor(2)}\n\n`,
        `data:value 2\nid:${topic.cursor(3)}\n\n`,
      ]);
      await using stream = await gateway.stream(`/${topic.name}?since=latest`, {
        headers: { 'last-event-id': 'none' },
      });
      await stream.untilEvents(1);
      await write(topic, 'live', 1);
      const events = await stream.untilEvents(2);
      expect(events.map(({ raw }) => raw)).toEqual([
        gapAt(3),
        `data:live 0\nid:${topic.cursor(4)}\n\n`,
      ]);
    });
  });
});
