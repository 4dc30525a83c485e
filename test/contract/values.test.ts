import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Growth } from '../support/deadline.ts';
import { HOSTILE_RECORDS } from '../support/hostile_records.ts';
import type { NewRecord, Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { base64url, dataOf, recordBlock } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

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

/** An id, whatever the time that it says. */
function withoutTime(id: string): string {
  return id.replace(/\/.*/, '');
}

onEachRuntime((runtime) => {
  describe.each([
    { kind: 'on a plain topic', compacted: false, live: false },
    { kind: 'on a plain topic, live', compacted: false, live: true },
    { kind: 'on a compacted topic', compacted: true, live: false },
  ])('values $kind', ({ compacted, live }) => {
    const written = HOSTILE_RECORDS.map(([title, record], i) => ({
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
      expect(parsed.map(({ id, event = 'message' }) => [withoutTime(id!), event])).toEqual(
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
          got.push({ event, data, id: withoutTime(id) });
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
});
