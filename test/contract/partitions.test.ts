import { describe, expect, test } from '@jest/globals';
import type { NewRecord, Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { cursorOffsets, oldCursorText } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

/** Records of which key and value tell partition and offset. */
function records(partition: number, from: number, to: number): NewRecord[] {
  return Array.from({ length: to - from }, (_, n) => {
    const value = `${partition}-${from + n}`;
    return { key: value, value, partition };
  });
}

function values(stream: SseStream): string[] {
  return stream.events.map(({ data }) => data);
}

onEachRuntime((runtime) => {
  describe.each([
    { kind: 'a plain topic', compacted: false },
    { kind: 'a compacted topic', compacted: true },
  ])('partitions of $kind', ({ compacted }) => {
    test('that are added come to connected clients from their beginning', async () => {
      const topic = await kafka.createTopic({ compacted });
      await topic.produce(...records(0, 0, 2));
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}`;
      await using atEnd = await gateway.stream(path);
      await atEnd.untilEvents(2);
      const before = atEnd.events.at(-1)!.id;
      await topic.addPartitions(3);
      await topic.produce(...records(1, 0, 2), ...records(2, 0, 1));
      await atEnd.untilEvents(5);
      await topic.produce(...records(0, 2, 3), ...records(2, 1, 2));
      await atEnd.untilEvents(7);
      const all = ['0-0', '0-1', '0-2', '1-0', '1-1', '2-0', '2-1'];
      expect(values(atEnd).sort()).toEqual(all);
      const end = topic.cursor(3, 2, 2);
      expect(atEnd.events.at(-1)!.id).toBe(end);

      // One that comes back with an id from before, one that is new, at this gateway and another.
      await using other = await Gateway.startReady(runtime, { topics: [topic.name] });
      for (const one of [gateway, other]) {
        for (const [id, expected] of [
          [before, all.slice(2)],
          ['', all],
          [oldCursorText([3]), all.slice(3)],
        ] as const) {
          await using stream = await one.stream(path, { headers: { 'last-event-id': id } });
          await stream.untilEvents(expected.length);
          expect(values(stream).sort()).toEqual(expected);
          expect(stream.events.at(-1)!.id).toBe(end);
        }
      }
    });

    test('that a cursor names and this gateway does not know yet are kept in every id', async () => {
      const topic = await kafka.createTopic({ compacted, partitions: 2 });
      await topic.produce(...records(0, 0, 2));
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await topic.addPartitions(5);
      await topic.produce(...records(2, 0, 3));
      const had = new Map([
        [0, 1],
        [1, 0],
        [2, 3],
        [4, 0],
      ]);
      await using stream = await gateway.stream(`/${topic.name}?format=json`, {
        headers: { 'last-event-id': topic.cursorOf(had) },
      });
      await stream.until('live', () => stream.events.at(-1)?.event === 'live');
      await topic.produce(...records(1, 0, 1), ...records(2, 3, 5), ...records(3, 0, 1));
      const events = await stream.untilEvents(6);
      for (const { id } of events) {
        const named = cursorOffsets(id);
        for (const [partition, next] of had) {
          expect(named.get(partition)).toBeGreaterThanOrEqual(next);
        }
      }
      const got = events.filter(({ event }) => event === 'message');
      const all = ['0-1', '1-0', '2-3', '2-4', '3-0'];
      expect(got.map(({ data }) => JSON.parse(data).value).sort()).toEqual(all);
      expect(events.at(-1)!.id).toBe(topic.cursor(2, 1, 5, 1, 0));
    });
  });

  describe('a topic of 1,000 partitions', () => {
    const PARTITIONS = 1000;
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ partitions: PARTITIONS });
      const all = Array.from({ length: PARTITIONS }, (_, partition) => records(partition, 0, 1));
      await topic.produce(...all.flat());
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test('goes on from an id that names them all', async () => {
      await using stream = await gateway().stream(`/${topic.name}`);
      const events = await stream.untilEvents(PARTITIONS);
      const expected = Array.from({ length: PARTITIONS }, (_, partition) => `${partition}-0`);
      expect(values(stream).sort()).toEqual(expected.sort());
      for (const at of [0, 400, PARTITIONS - 2]) {
        const { id } = events[at]!;
        expect(cursorOffsets(id).size).toBe(PARTITIONS);
        expect(id.length).toBeGreaterThan(3500);
        await using rest = await gateway().stream(`/${topic.name}`, {
          headers: { 'last-event-id': id },
        });
        await rest.untilEvents(PARTITIONS - 1 - at);
        const had = events.slice(0, at + 1).map(({ data }) => data);
        expect([...had, ...values(rest)].sort()).toEqual(expected);
        expect(rest.events.at(-1)!.id).toBe(events.at(-1)!.id);
      }
    });

    test('takes an id of more than 8 kB, and tells all that lie beyond the end', async () => {
      const far = Array.from({ length: PARTITIONS }, (_, partition) => 2 ** 40 + partition);
      const cursor = topic.cursor(...far);
      expect(cursor.length).toBeGreaterThan(10_000);
      const lost = far.map((from, partition) => ({ partition, from, to: 1 }));
      for (const [query, headers] of [
        ['', { 'last-event-id': cursor }],
        [`?lastEventId=${encodeURIComponent(cursor)}`, {}],
      ] as const) {
        await using stream = await gateway().stream(`/${topic.name}${query}`, { headers });
        const [gap] = await stream.untilEvents(1);
        expect(JSON.parse(gap!.data)).toEqual({
          reason: 'truncated',
          topic: topic.name,
          partitions: lost,
        });
        expect(gap!.id).toBe(topic.cursor(...far.map(() => 1)));
      }
    });
  });
});
