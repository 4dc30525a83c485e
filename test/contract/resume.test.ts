import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block, SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { cursorOffsets, cursorText, oldCursorText } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const PARTITIONS = 3;

/** Writes `<name> <partition>-<n>` to every partition. */
async function write(topic: Topic, label: string, count: number): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const values = Array.from({ length: count }, (_, n) => `${label} ${partition}-${n}`);
    await topic.produce(...values.map((value) => ({ value, partition })));
  }
}

/** Values by partition, in the order in which they came; told by how the ids move on. */
function byPartition(events: readonly Block[], from: ReadonlyMap<number, number>): string[][] {
  const values: string[][] = Array.from({ length: PARTITIONS }, () => []);
  let before = from;
  for (const { id, data } of events) {
    const after = cursorOffsets(id);
    const moved = [...after].filter(([partition, next]) => next !== (before.get(partition) ?? 0));
    expect(moved).toHaveLength(1);
    const [partition, next] = moved[0]!;
    expect(next).toBe((before.get(partition) ?? 0) + 1);
    values[partition]!.push(data);
    before = after;
  }
  return values;
}

onEachRuntime((runtime) => {
  describe('a topic of several partitions, read by two gateways', () => {
    let topic!: Topic;
    const one = shared(async () => {
      topic = await kafka.createTopic({ partitions: PARTITIONS });
      await write(topic, 'before', 5);
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });
    const other = shared(async () => {
      await write(topic, 'between', 5);
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test('goes on from every id, on both: nothing lost, nothing twice, order kept', async () => {
      await using witness = await one().stream(`/${topic.name}`);
      await witness.untilEvents(10 * PARTITIONS);
      await write(topic, 'live', 5);
      const total = 15;
      await witness.untilEvents(total * PARTITIONS);
      const all = byPartition(witness.events, new Map());
      const ids = ['', ...witness.events.map(({ id }) => id)];

      await using streams = new StreamGroup();
      const resumed: { from: ReadonlyMap<number, number>; stream: SseStream }[] = [];
      for (const gateway of [one(), other()]) {
        for (const id of ids) {
          const headers = { 'last-event-id': id };
          const stream = streams.add(await gateway.stream(`/${topic.name}`, { headers }));
          resumed.push({ from: id === '' ? new Map() : cursorOffsets(id), stream });
        }
      }
      const missing = ({ from }: (typeof resumed)[number]): number =>
        total * PARTITIONS - [...from.values()].reduce((sum, next) => sum + next, 0);
      for (const each of resumed) await each.stream.untilEvents(missing(each));
      // Whatever is sent twice would come before these.
      await write(topic, 'last', 1);
      for (const { from, stream } of resumed) {
        const events = await stream.untilEvents(missing({ from, stream }) + PARTITIONS);
        expect(byPartition(events, from)).toEqual(
          all.map((values, partition) => [
            ...values.slice(from.get(partition) ?? 0),
            `last ${partition}-0`,
          ]),
        );
      }
    });

    test('sends a partition that the cursor does not name from its beginning', async () => {
      await using stream = await one().stream(`/${topic.name}`, {
        headers: { 'last-event-id': topic.cursorOf(new Map([[1, 4]])) },
      });
      const values = byPartition(await stream.untilEvents(44), new Map([[1, 4]]));
      expect(values.map((each) => each[0])).toEqual(['before 0-0', 'before 1-4', 'before 2-0']);
    });
  });

  describe('a compacted topic of several partitions, read by two gateways', () => {
    test('gives from every id, on both, each key that changed since at its latest value', async () => {
      const topic = await kafka.createTopic({ partitions: PARTITIONS, compacted: true });
      const update = async (round: number): Promise<void> => {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const keys = ['a', `b${round % 2}`, `c${round % 3}`];
          const values = keys.map((key) => ({ key, value: `${partition} ${key} ${round}` }));
          await topic.produce(...values.map((record) => ({ ...record, partition })));
        }
      };
      await update(0);
      await using one = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using witness = await one.stream(`/${topic.name}`);
      for (const round of [1, 2]) {
        // One that reads along gets every update.
        await witness.untilEvents(round * 3 * PARTITIONS);
        await update(round);
      }
      await using other = await Gateway.startReady(runtime, { topics: [topic.name] });
      await witness.untilEvents(9 * PARTITIONS);
      await update(3);
      await witness.untilEvents(12 * PARTITIONS);
      const values = byPartition(witness.events, new Map());
      const latestFrom = (partition: number, next: number): string[] => {
        const keys = values[partition]!.map((value) => value.split(' ')[1]!);
        return values[partition]!.filter(
          (_, at) => at >= next && keys.lastIndexOf(keys[at]!) === at,
        );
      };

      await using streams = new StreamGroup();
      const resumed: { expected: string[]; stream: SseStream }[] = [];
      for (const gateway of [one, other]) {
        for (const { id } of witness.events) {
          const headers = { 'last-event-id': id };
          const stream = streams.add(await gateway.stream(`/${topic.name}`, { headers }));
          const from = [...cursorOffsets(id)];
          const expected = from.flatMap(([partition, next]) => latestFrom(partition, next));
          resumed.push({ expected, stream });
        }
      }
      for (const { expected, stream } of resumed) await stream.untilEvents(expected.length);
      await topic.produce({ key: 'last', value: 'last' });
      for (const { expected, stream } of resumed) {
        const events = await stream.untilEvents(expected.length + 1);
        const data = events.map((event) => event.data);
        expect(data.at(-1)).toBe('last');
        expect(data.slice(0, -1).sort()).toEqual([...expected].sort());
      }
    });
  });

  describe('a topic of one partition', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      const values = ['0', ' 1\r\n', '2 🚀', '3', '4'];
      await topic.produce(...values.map((value) => ({ value })));
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    /** The offset of the first record that a client gets. */
    async function firstOf(headers: Record<string, string>, query = ''): Promise<number> {
      await using stream = await gateway().stream(`/${topic.name}?${query}`, { headers });
      const [first] = await stream.untilEvents(1);
      expect(first!.event).toBe('message');
      return Number(first!.data.trim()[0]);
    }

    test('loses nothing when it is cut after any byte', async () => {
      await using whole = await gateway().stream(`/${topic.name}`);
      const all = (await whole.untilEvents(5)).map(({ data }) => data);
      const bytes = whole.bytes;
      const restFrom = new Map<string, string[]>();
      for (const id of ['', ...whole.events.slice(0, -1).map((event) => event.id)]) {
        await using stream = await gateway().stream(`/${topic.name}`, {
          headers: { 'last-event-id': id },
        });
        const { length } = all.slice(id === '' ? 0 : cursorOffsets(id).get(0));
        restFrom.set(
          id,
          (await stream.untilEvents(length)).map(({ data }) => data),
        );
      }
      restFrom.set(whole.events.at(-1)!.id, []);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const got: string[] = [];
        let lastId = '';
        const parser = createParser({
          onEvent: ({ data, id = '' }) => {
            got.push(data);
            lastId = id;
          },
        });
        parser.feed(new TextDecoder().decode(bytes.subarray(0, cut), { stream: true }));
        expect([...got, ...restFrom.get(lastId)!]).toEqual(all);
      }
    });

    test('goes on where a connection was cut within a block', async () => {
      const large = await kafka.createTopic();
      await large.produce({ value: 'small' }, { value: 'x'.repeat(2 ** 20) }, { value: 'end' });
      await using own = await Gateway.startReady(runtime, { topics: [large.name] });
      await using first = await own.stream(`/${large.name}`);
      await first.until('a part of the second record', () => first.bytes.length > 10_000);
      first.cut();
      const last = first.events.at(-1)!.id;
      expect(last).toBe(large.cursor(1));
      await using second = await own.stream(`/${large.name}`, {
        headers: { 'last-event-id': last },
      });
      const events = await second.untilEvents(2);
      expect(events.map(({ data }) => data.length)).toEqual([2 ** 20, 3]);
    });

    const places = (text: string) => encodeURIComponent(text);
    test.each([
      ['nowhere', () => firstOf({}), 0],
      ['the header', () => firstOf({ 'last-event-id': topic.cursor(3) }), 3],
      ['lastEventId', () => firstOf({}, `lastEventId=${places(topic.cursor(3))}`), 3],
      ['last_event_id', () => firstOf({}, `last_event_id=${places(topic.cursor(3))}`), 3],
      ['Last-Event-ID', () => firstOf({}, `Last-Event-ID=${places(topic.cursor(3))}`), 3],
      ['the query, padding not escaped', () => firstOf({}, `lastEventId=${topic.cursor(3)}`), 3],
      [
        'the header before the query',
        () => firstOf({ 'last-event-id': topic.cursor(1) }, `lastEventId=${topic.cursor(3)}`),
        1,
      ],
      [
        'lastEventId before last_event_id',
        () => firstOf({}, `last_event_id=${topic.cursor(3)}&lastEventId=${topic.cursor(1)}`),
        1,
      ],
      [
        'last_event_id before Last-Event-ID',
        () => firstOf({}, `Last-Event-ID=${topic.cursor(3)}&last_event_id=${topic.cursor(1)}`),
        1,
      ],
      [
        'the query where the header is empty',
        () => firstOf({ 'last-event-id': '' }, `lastEventId=${topic.cursor(3)}`),
        3,
      ],
      [
        'the next name where a query is empty',
        () => firstOf({}, `lastEventId=&last_event_id=&Last-Event-ID=${topic.cursor(3)}`),
        3,
      ],
      [
        'the next place where a foreign form is empty',
        () =>
          firstOf(
            { 'last-event-id': '["a2V5",""]' },
            `lastEventId=${places('[null,""]')}&last_event_id=${places('/etag')}&Last-Event-ID=${topic.cursor(3)}`,
          ),
        3,
      ],
      [
        'the next value where a name comes twice',
        () => firstOf({}, `lastEventId=&lastEventId=${topic.cursor(3)}`),
        3,
      ],
      [
        'a form with white space',
        () => firstOf({ 'last-event-id': `[ "a2V5", "${topic.cursor(3)}" ]` }),
        3,
      ],
      ['nowhere, all empty', () => firstOf({ 'last-event-id': '' }, 'lastEventId='), 0],
    ])('takes the cursor from %s', async (_, first, expected) => {
      expect(await first()).toBe(expected);
    });

    test.each([
      ['with a key in base64', () => `["a2V5","${topic.cursor(2)}"]`],
      ['with null for the key', () => `[null,"${topic.cursor(2)}"]`],
      ['with an etag', () => `${topic.cursor(2)}/"r4"`],
      ['of version 1, without the id bytes', () => oldCursorText([2])],
      ['with zeros for the id bytes', () => cursorText('00000000', [2])],
    ])('takes a cursor %s', async (_, text) => {
      expect(await firstOf({ 'last-event-id': text() })).toBe(2);
      expect(await firstOf({}, `lastEventId=${places(text())}`)).toBe(2);
    });
  });
});
