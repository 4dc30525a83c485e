import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Growth } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, kcat, type NewRecord, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { base64url, dataOf, recordBlock } from '../support/wire_format.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Every record is written to both kinds of topic, the ones without a key to the plain one only. */
const RECORDS: readonly (readonly [title: string, record: NewRecord])[] = [
  ['plain text', { value: 'Hello, world' }],
  ['an empty value', { value: '' }],
  ['a CR', { value: 'a\rb' }],
  ['a LF', { value: 'a\nb' }],
  ['a CRLF', { value: 'a\r\nb' }],
  ['LF and CR, the wrong way round', { value: 'a\n\rb' }],
  ['line ends alone', { value: '\r\n\n\r\r\n' }],
  ['line ends at both ends', { value: '\na\r' }],
  ['a line end that is none to SSE', { value: 'a\u2028b\u0085c\vd\fe' }],
  ['a leading space', { value: ' a' }],
  ['leading spaces on each line', { value: '  a\n b\r   c' }],
  ['only a space', { value: ' ' }],
  ['only spaces and a line end', { value: '  \n ' }],
  ['a tab at the front', { value: '\ta' }],
  ['a NUL', { value: 'a\0b' }],
  ['a BOM at the front', { value: '\uFEFFa' }],
  ['a BOM on a later line', { value: 'a\n\uFEFFb' }],
  ['only a BOM', { value: '\uFEFF' }],
  ['the bytes of a lone surrogate', { value: bytes(0x61, 0xed, 0xa0, 0x80, 0x62) }],
  ['truncated UTF-8', { value: bytes(0x61, 0xf0, 0x9f, 0x98) }],
  ['truncated UTF-8 before a line end', { value: bytes(0xe2, 0x82, 0x0a, 0x62) }],
  ['bytes that are never UTF-8', { value: bytes(0xff, 0xfe, 0xc0, 0xaf, 0x80, 0xf5) }],
  ['a BOM before bytes that are no UTF-8', { value: bytes(0xef, 0xbb, 0xbf, 0x61, 0xff) }],
  [
    'line ends and spaces among bytes that are no UTF-8',
    { value: bytes(0x20, 0xff, 0x0d, 0x0a, 0x20, 0xfe, 0x0d, 0x20, 0x0a) },
  ],
  ['every byte', { value: Uint8Array.from({ length: 256 }, (_, i) => i) }],
  ['an emoji of four bytes', { value: '🚀 👩‍👩‍👧' }],
  ['look-alikes of fields', { value: 'id:x\nevent:y\ndata:z\nretry:1\n:c' }],
  ['a look-alike of the end of a block', { value: 'a\n\nevent:gap\ndata:{}\nid:AAAA\n\n' }],
  ['1 MB on one line', { value: 'x'.repeat(2 ** 20) }],
  ['1 MB on many lines', { value: ' line é\r\n'.repeat(2 ** 17) }],
  ['headers', { value: 'a', headers: new Map([['id', 'b\nc']]) }],
  ['null', { key: 'gone', value: null }],
  ['null with a binary key of 1 byte', { key: bytes(0xff), value: null }],
  ['null with a binary key of 2 bytes', { key: bytes(0xfb, 0xff), value: null }],
  ['null with a binary key of 3 bytes', { key: bytes(0, 0x0a, 0x0d), value: null }],
  ['null with a key that looks like a field', { key: '\nid:x\n', value: null }],
  ['null with an empty key', { key: '', value: null }],
  ['null without a key', { key: null, value: null }],
  ['a value without a key', { key: null, value: 'no key' }],
  ['the end', { value: 'end' }],
];

/** With a key of its own, unless it has one: on a compacted topic none is superseded. */
function withKey(record: NewRecord, index: number): NewRecord {
  return record.key === undefined ? { ...record, key: `key ${index}` } : record;
}

/** What an EventSource shows of a record, if anything. */
function shownOf(
  record: NewRecord,
  id: string,
): { event: string; data: string; id: string } | null {
  const { key, value } = bytesOf(record);
  if (value !== null) return { event: 'message', data: dataOf(value), id };
  return key === null ? null : { event: 'delete', data: base64url(key), id };
}

function bytesOf({ key, value }: NewRecord): { key: Uint8Array | null; value: Uint8Array | null } {
  const of = (content: NewRecord['key']): Uint8Array | null =>
    content === null || content === undefined ? null : Buffer.from(content);
  return { key: of(key), value: of(value) };
}

onEachRuntime((runtime) => {
  describe.each([
    { kind: 'on a plain topic', compacted: false, live: false },
    { kind: 'on a plain topic, live', compacted: false, live: true },
    { kind: 'on a compacted topic', compacted: true, live: false },
  ])('values $kind', ({ compacted, live }) => {
    const written = RECORDS.map(([title, record], i) => ({
      title,
      record: withKey(record, i),
    })).filter(({ record }) => !compacted || record.key !== null);
    let topic!: Topic;
    let stream!: SseStream;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ compacted });
      if (!live) await write();
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });
    shared(async () => {
      stream = await gateway().stream(`/${topic.name}`);
      await stream.until('the first block', () => stream.blocks.length > 0);
      if (live) await write();
      await stream.until('the last record', () => stream.blocks.length > written.length);
      return stream;
    });

    async function write(): Promise<void> {
      for (const { record } of written) await topic.produce(record);
    }

    test.each(written.map(({ title, record }, at) => ({ title, record, at })))(
      '$title',
      ({ record, at }) => {
        const id = topic.cursor(at + 1);
        const { raw } = stream.blocks[at + 1]!;
        // Not compared by expect: it would print a megabyte.
        expect(raw === recordBlock(bytesOf(record), id) || raw.slice(0, 200)).toBe(true);
      },
    );

    test('are what eventsource-parser makes of them', () => {
      const parsed: EventSourceMessage[] = [];
      createParser({ onEvent: (event) => parsed.push(event) }).feed(stream.bytes.toString('utf8'));
      const expected = written.flatMap(
        ({ record }, at) => shownOf(record, topic.cursor(at + 1)) ?? [],
      );
      expect(parsed.map(({ id, event = 'message' }) => [id, event])).toEqual(
        expected.map(({ id, event }) => [id, event]),
      );
      expect(parsed.every(({ data }, at) => data === expected[at]!.data)).toBe(true);
    });

    test('are what the npm package eventsource makes of them', async () => {
      const growth = new Growth();
      const got: { event: string; data: string; id: string }[] = [];
      const source = new EventSource(`${gateway().http}/${topic.name}`);
      for (const event of ['message', 'delete', 'gap']) {
        source.addEventListener(event, ({ data, lastEventId: id }) => {
          got.push({ event, data, id });
          growth.changed();
        });
      }
      try {
        await growth.until('the last record in an EventSource', () => got.at(-1)?.data === 'end');
      } finally {
        source.close();
      }
      const expected = written.flatMap(
        ({ record }, at) => shownOf(record, topic.cursor(at + 1)) ?? [],
      );
      expect(got.map(({ id, event }) => [id, event])).toEqual(
        expected.map(({ id, event }) => [id, event]),
      );
      expect(got.every(({ data }, at) => data === expected[at]!.data)).toBe(true);
    });
  });

  describe('values in batches', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test('of every compression are read', async () => {
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
      const lines = codecs.flatMap((codec) =>
        Array.from({ length: 50 }, (_, i) => `${codec} ${i}`),
      );
      for (const codec of codecs) {
        const own = lines.filter((line) => line.startsWith(codec));
        await kcat(['-P', '-t', topic.name, '-z', codec], own.join('\n'));
      }
      await using stream = await gateway().stream(`/${topic.name}`);
      const events = await stream.untilEvents(lines.length);
      expect(events.map(({ data }) => data)).toEqual(lines);
    });
  });
});
