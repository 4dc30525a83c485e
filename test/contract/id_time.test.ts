import { describe, expect, test } from '@jest/globals';
import { onEachRuntime } from '../support/runtime.ts';
import type { Block } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

/** `delete.retention.ms`; an id is sent until it is a quarter of it old. */
const RETENTION_MS = 8000;

onEachRuntime((runtime) => {
  describe('the time of an id', () => {
    test('is there on a compacted topic alone, and of when its block was made', async () => {
      const configs = { 'delete.retention.ms': `${RETENTION_MS}` };
      const compacted = await kafka.createTopic({ compacted: true, configs });
      const plain = await kafka.createTopic();
      for (const topic of [compacted, plain]) await topic.produce({ key: 'k', value: 'v' });
      const before = Math.floor(Date.now() / 1000);
      const topics = [compacted.name, plain.name];
      await using gateway = await Gateway.startReady(runtime, { topics });
      await using timed = await gateway.stream(`/${compacted.name}?format=json`);
      await using untimed = await gateway.stream(`/${plain.name}?format=json`);
      const [record, live] = (await timed.untilEvents(2)) as [Block, Block];
      for (const { time } of [record, live]) {
        expect(time).toBeGreaterThanOrEqual(before);
        expect(time).toBeLessThanOrEqual(Date.now() / 1000);
      }
      expect((await untimed.untilEvents(2)).map(({ time }) => time)).toEqual([null, null]);
    });

    test('is renewed by a place while nothing comes, heartbeats or not', async () => {
      const configs = { 'delete.retention.ms': `${RETENTION_MS}` };
      const topic = await kafka.createTopic({ compacted: true, configs });
      await topic.produce({ key: 'k', value: 'v' });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '0' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      const [record, ...places] = (await stream.untilEvents(3)) as [Block, ...Block[]];
      expect(places.map(({ raw }) => raw)).toEqual(
        Array(2).fill(`event:place\ndata:{}\nid:${topic.cursor(1)}\n\n`),
      );
      const times = [record, ...places].map(({ time }) => time!);
      expect(times).toEqual([...new Set(times)].sort());
      // What is sent to others meanwhile is no older.
      await using other = await gateway.stream(`/${topic.name}`);
      const [again] = (await other.untilEvents(1)) as [Block];
      expect(again.raw).toBe(record.raw);
      expect(again.time).toBeGreaterThan(record.time!);
    });

    test('comes back in every form, and where it is of long ago a client at the end goes on', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'k', value: 'v' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const id = `${topic.cursor(1)}/~1`;
      const forms = [id, `["a2V5","${id}"]`, `[null, "${id}"]`, `${id}/etag`];
      const streams = await Promise.all(
        forms.map((form) =>
          gateway.stream(`/${topic.name}?format=json`, { headers: { 'last-event-id': form } }),
        ),
      );
      for (const stream of streams) {
        await using open = stream;
        const [live] = await open.untilEvents(1);
        expect(live!.raw).toBe(`event:live\ndata:{}\nid:${topic.cursor(1)}\n\n`);
      }
    });
  });
});
