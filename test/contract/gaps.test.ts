import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { writeLabelled } from '../support/numbered_records.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { cursorText, gapBlock, type Lost, oldCursorText } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

/** Records of a topic made anew: more than those whom it has to tell have had of the old one. */
const LONGER = 12;

onEachRuntime((runtime) => {
  describe('a gap for the reason recreated', () => {
    test('is told to those who are connected, and those who come back, of both kinds', async () => {
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
        const numbers = Array.from({ length: LONGER }, (_, n) => n);
        await topic.produce(...numbers.map((n) => ({ key: `${n}`, value: `new ${n}` })));
        const count = 11 + 1 + LONGER;
        await within('the gap and the new records', connected.untilEvents(count));
        const records = numbers.map((n) => `data:new ${n}\nid:${topic.cursor(n + 1)}\n\n`);
        const gap = (lost: readonly Lost[]): string =>
          gapBlock('recreated', topic.name, lost, topic.cursor(0));
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
          expect(await gateway.blocks(`/${topic.name}`, id, 1 + LONGER)).toEqual([
            gap(lost),
            ...records,
          ]);
        }
      }
    });

    test('is told where a cursor without an id lies beyond the end', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await writeLabelled(topic, 'gone', 2);
      await writeLabelled(topic, 'value', 2);
      await topic.deleteBefore(2);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const blocks = [
        gapBlock(
          'recreated',
          topic.name,
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
        expect(await gateway.blocks(`/${topic.name}`, id, 3)).toEqual(blocks);
      }
      for (const id of [oldCursorText([3, 0]), cursorText('00000000', [3, 0])]) {
        expect(await gateway.blocks(`/${topic.name}`, id, 1)).toEqual(blocks.slice(2));
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
      for (const partition of [0, 1, 2]) await writeLabelled(topic, 'old', 3, partition);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await gateway.stream(`/${topic.name}`, {
        headers: { 'last-event-id': topic.cursor(...offsets) },
      });
      await stream.untilEvents(1);
      await writeLabelled(topic, 'live', 1, 1);
      const events = await stream.untilEvents(2);
      expect(events.map(({ raw }) => raw)).toEqual([
        gapBlock('truncated', topic.name, lost, topic.cursor(...goesOn)),
        `data:live 0\nid:${topic.cursor(3, 4, 3)}\n\n`,
      ]);
    });

    test('leaves the other partitions as they were', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await writeLabelled(topic, 'value', 3);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      expect(await gateway.blocks(`/${topic.name}`, topic.cursor(1, 5), 3)).toEqual([
        gapBlock('truncated', topic.name, [[1, 5, 0]], topic.cursor(1, 0)),
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
        gapBlock('unreadable-cursor', topic.name, [], topic.cursor(next));
      expect(await gateway.blocks(`/${topic.name}?since=${time + 1}`, 'none', 3)).toEqual([
        gapAt(1),
        `data:value 1\nid:${topic.cursor(2)}\n\n`,
        `data:value 2\nid:${topic.cursor(3)}\n\n`,
      ]);
      await using stream = await gateway.stream(`/${topic.name}?since=latest`, {
        headers: { 'last-event-id': 'none' },
      });
      await stream.untilEvents(1);
      await writeLabelled(topic, 'live', 1);
      const events = await stream.untilEvents(2);
      expect(events.map(({ raw }) => raw)).toEqual([
        gapAt(3),
        `data:live 0\nid:${topic.cursor(4)}\n\n`,
      ]);
    });
  });
});
