import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import type { NewRecord, Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { base64url, gapBlock } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const TIME = 1_700_000_000_000;
/** Records as old as that would be deleted otherwise. */
const KEPT = { configs: { 'retention.ms': '-1' } };
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** What follows the timestamp in a record's object, by hand; `delete`: a tombstone. */
const RECORDS: readonly (readonly [title: string, record: NewRecord, members: string])[] = [
  [
    'text',
    { key: '1', value: 'Hello', headers: [['etag', 'r4']] },
    '"key":"1","value":"Hello","headers":[["etag","r4"]]',
  ],
  ['null for a key', { value: 'v' }, '"key":null,"value":"v"'],
  ['empty texts', { key: '', value: '' }, '"key":"","value":""'],
  [
    'what JSON escapes',
    { key: '"\\/', value: '\u0000\t\r\n"\u2028</script>' },
    '"key":"\\"\\\\/","value":"\\u0000\\t\\r\\n\\"\u2028</script>"',
  ],
  ['UTF-8', { key: 'é', value: '🚀' }, '"key":"é","value":"🚀"'],
  ['a BOM', { key: '\uFEFFk', value: '\uFEFF' }, '"key":"\uFEFFk","value":"\uFEFF"'],
  [
    'bytes that are no UTF-8',
    { key: bytes(0xff), value: bytes(0xfb, 0xff, 0xfe, 0xed, 0xa0, 0x80) },
    '"keyBase64":"/w==","valueBase64":"+//+7aCA"',
  ],
  [
    'a key that is text and a value that is not',
    { key: 'k', value: bytes(0x61, 0xc3) },
    '"key":"k","valueBase64":"YcM="',
  ],
  ['a tombstone', { key: 'gone', value: null }, '"key":"gone","value":null'],
  [
    'a tombstone of a key that is no UTF-8, with a header',
    { key: bytes(0, 0xff), value: null, headers: [['why', 'old']] },
    '"keyBase64":"AP8=","value":null,"headers":[["why","old"]]',
  ],
  [
    'headers that repeat, are empty and binary',
    {
      key: 'h',
      value: 'v',
      headers: [
        ['a', '1'],
        ['__proto__', 'b'],
        ['a', ''],
        ['', '\uFEFF"'],
        ['a', bytes(0xff, 0)],
      ],
    },
    '"key":"h","value":"v","headers":' +
      '[["a","1"],["__proto__","b"],["a",""],["","\uFEFF\\""],["a",null,"/wA="]]',
  ],
];

/** Waits for the last event, and gives all blocks after the first one, as they came. */
async function blocksUntil(stream: SseStream, event: string, text = ''): Promise<string[]> {
  await stream.until(`${event} ${text}`, () => {
    const last = stream.events.at(-1);
    return last?.event === event && last.data.includes(text);
  });
  return stream.blocks.slice(1).map(({ raw }) => raw);
}

const liveBlock = (id: string): string => `event:live\ndata:{}\nid:${id}\n\n`;

onEachRuntime((runtime) => {
  describe('format=json', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic(KEPT);
      for (const [n, [, record]] of RECORDS.entries()) {
        await topic.produce({ ...record, timestamp: TIME + n });
      }
      await topic.produce({});
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });
    const stream = shared(async () => {
      const one = await gateway().stream(`/${topic.name}?format=json`);
      await blocksUntil(one, 'live');
      return one;
    });

    test.each(RECORDS.map(([title, { value }, members], at) => ({ title, value, members, at })))(
      'has $title',
      ({ value, members, at }) => {
        const event = value === null ? 'event:delete\n' : '';
        const data = `{"partition":0,"offset":${at},"timestamp":${TIME + at},${members}}`;
        expect(stream().blocks[at + 1]!.raw).toBe(
          `${event}data:${data}\nid:${topic.cursor(at + 1)}\n\n`,
        );
      },
    );

    test('has an id alone where key and value are null, and live behind it', () => {
      const end = topic.cursor(RECORDS.length + 1);
      const blocks = stream()
        .blocks.slice(RECORDS.length + 1)
        .map(({ raw }) => raw);
      expect(blocks).toEqual([`id:${end}\n\n`, liveBlock(end)]);
    });

    test('has the ids of the other form, and takes them', async () => {
      await using plain = await gateway().stream(`/${topic.name}`);
      await plain.until('the last id', () => plain.blocks.length > RECORDS.length + 1);
      const ids = plain.blocks.map(({ id }) => id);
      expect(
        stream()
          .blocks.slice(0, -1)
          .map(({ id }) => id),
      ).toEqual(ids);
      await using rest = await gateway().stream(`/${topic.name}?format=json`, {
        headers: { 'last-event-id': ids.at(-3)! },
      });
      expect(await blocksUntil(rest, 'live')).toEqual(
        stream()
          .blocks.slice(-3)
          .map(({ raw }) => raw),
      );
    });

    test('text is the other form, by name and with an empty name', async () => {
      for (const query of ['', '?format=', '?format=text']) {
        await using plain = await gateway().stream(`/${topic.name}${query}`);
        expect((await plain.untilEvents(1))[0]!.data).toBe('Hello');
      }
    });

    test('has values of any size in one block', async () => {
      const large = await kafka.createTopic(KEPT);
      const value = Buffer.alloc(1_000_000, 'a "line"\n');
      await large.produce({ key: 'k', value, timestamp: TIME }, { key: 'k', value: 'end' });
      await using own = await Gateway.startReady(runtime, { topics: [large.name] });
      await using one = await own.stream(`/${large.name}?format=json`);
      const [first] = await one.untilEvents(2);
      const expected = { partition: 0, offset: 0, timestamp: TIME, key: 'k', value: `${value}` };
      expect(first!.data === JSON.stringify(expected)).toBe(true);
    });
  });

  describe('event:live', () => {
    test.each([{ compacted: false }, { compacted: true }])(
      'comes once, when all that was there has come: $compacted',
      async ({ compacted }) => {
        const topic = await kafka.createTopic({ compacted, partitions: 2 });
        await topic.produce({ key: 'a', value: 'old' }, { key: 'b', value: 'old', partition: 1 });
        await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        const path = `/${topic.name}?format=json`;
        await using first = await gateway.stream(path);
        expect(await blocksUntil(first, 'live')).toHaveLength(3);
        await topic.produce({ key: 'c', value: 'next' }, { key: 'd', value: 'next', partition: 1 });
        await first.untilEvents(5);
        const id = first.events.at(-1)!.id;
        for (const [query, headers, count] of [
          ['', { 'last-event-id': id }, 0],
          ['', { 'last-event-id': topic.cursor(1, 1) }, 2],
          ['', {}, 4],
          ['&since=latest', {}, 0],
          [`&since=${Date.now() + 3_600_000}`, {}, 0],
          [`&since=${TIME}`, {}, 4],
        ] as const) {
          await using stream = await gateway.stream(path + query, { headers });
          await blocksUntil(stream, 'live');
          expect(stream.events.at(-1)!.raw).toBe(liveBlock(id));
          expect(stream.events).toHaveLength(count + 1);
        }
        await topic.produce({ key: 'e', value: 'last' });
        const events = await first.untilEvents(6);
        expect(events.filter(({ event }) => event === 'live')).toHaveLength(1);
      },
    );

    test('comes on an empty topic, and before the first record', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using stream = await gateway.stream(`/${topic.name}?format=json`);
      expect(await blocksUntil(stream, 'live')).toEqual([liveBlock(topic.cursor(0, 0))]);
      await topic.produce({ value: 'first' });
      await blocksUntil(stream, 'message', '"first"');
      expect(stream.events).toHaveLength(2);
    });

    test('comes once the topic exists, and again once it was made anew', async () => {
      const name = newName();
      await using gateway = await Gateway.start(runtime, { topics: [name] });
      await using stream = await gateway.stream(`/${name}?format=json`);
      await using plain = await gateway.stream(`/${name}`);
      const first = await kafka.createTopic({ name });
      expect(await blocksUntil(stream, 'live')).toEqual([liveBlock(first.cursor(0))]);
      await first.produce(...['a', 'b', 'c'].map((value) => ({ value })));
      await blocksUntil(stream, 'message', '"c"');

      await kafka.deleteTopic(name);
      const second = await kafka.createTopic({ name, ...KEPT });
      const isLive = (): boolean => stream.events.at(-1)!.raw === liveBlock(second.cursor(0));
      await stream.until('live again', isLive);
      // Not before: it would come before `live` or after it, as it happens.
      await second.produce({ key: 'k', value: 'new', timestamp: TIME });
      await blocksUntil(stream, 'message', '"new"');
      const object = { partition: 0, offset: 0, timestamp: TIME, key: 'k', value: 'new' };
      expect(stream.events.slice(4).map(({ raw }) => raw)).toEqual([
        gapBlock('recreated', name, [[0, 3, 0]], second.cursor(0)),
        liveBlock(second.cursor(0)),
        `data:${JSON.stringify(object)}\nid:${second.cursor(1)}\n\n`,
      ]);
      const events = await plain.untilEvents(5);
      expect(events.map(({ event }) => event)).toEqual([
        ...['message', 'message', 'message'],
        ...['gap', 'message'],
      ]);
    });

    test('comes after a gap, once', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'a' }, { value: 'b' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      for (const id of ['none', base64url(Buffer.of(1, 2, 0, 100)), topic.cursor(9)]) {
        await using stream = await gateway.stream(`/${topic.name}?format=json`, {
          headers: { 'last-event-id': id },
        });
        await blocksUntil(stream, 'live');
        const told = stream.events.map(({ event }) => event);
        const records = id === topic.cursor(9) ? [] : ['message', 'message'];
        expect(told).toEqual(['gap', ...records, 'live']);
      }
    });
  });
});
