import { describe, expect, test } from '@jest/globals';
import { H2Session } from '../support/h2_session.ts';
import { writeLabelled } from '../support/numbered_records.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { SseStream, type StreamOptions } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { Gateway, kafka } from './face.ts';

const REASONS = ['retention', 'recreated', 'truncated', 'unreadable-cursor', 'deletes'];

onEachRuntime((runtime) => {
  describe('metrics of what was sent', () => {
    /** Events as a browser counts them, out of the bytes that came. */
    const eventsOf = (streams: readonly SseStream[]): number =>
      streams.flatMap(({ blocks }) => blocks).filter(({ kind }) => kind === 'event').length;
    const bytesOf = (streams: readonly SseStream[]): number =>
      streams.reduce((sum, { bytes }) => sum + bytes.length, 0);

    test('sse_kafka_events_sent_total and _bytes_sent_total are what clients got', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await writeLabelled(topic, 'old', 40);
      await writeLabelled(topic, 'old', 30, 1);
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '1' },
      });
      await using streams = new StreamGroup();
      await using h2 = new H2Session(gateway.https);
      const path = `/${topic.name}`;
      const from = (id: string): StreamOptions => ({ headers: { 'last-event-id': id } });
      const { session } = h2;
      /** Each with the events that it gets before the live ones. */
      const opened: readonly (readonly [SseStream, number])[] = [
        [await gateway.stream(path), 70],
        [await gateway.stream(path, from(topic.cursor(5, 17))), 70 - 22],
        [await gateway.stream(path, from('unreadable')), 70 + 1],
        [await gateway.stream(`${path}?format=json`), 70 + 1],
        [await SseStream.open(`${gateway.https}${path}`, { h2: session }), 70],
        [await gateway.stream(`${path}?since=latest`), 0],
      ];
      const clients = opened.map(([client]) => streams.add(client));
      for (const [client, count] of opened) await client.untilEvents(count);
      const last = clients.at(-1)!;
      await last.until('its start', () => last.blocks.some(({ kind }) => kind === 'id'));
      await topic.produce(
        { key: 'a', value: 'live' },
        { key: 'a', value: null, partition: 1 },
        { key: null, value: null },
        { key: 'large', value: 'x'.repeat(300_000) },
        ...Array.from({ length: 50 }, (_, n) => ({ value: `many ${n}`.repeat(n) })),
      );
      for (const [client, count] of opened) await client.untilEvents(count + 53);
      const sent = (scrape: Scrape, name: string): number =>
        scrape.value(`sse_kafka_${name}_sent_total`, { topic: topic.name });
      const scrape = await untilScraped(
        'the bytes that clients got',
        gateway,
        // Heartbeats still come.
        (now) => sent(now, 'bytes') === bytesOf(clients),
      );
      expect(clients.flatMap(({ blocks }) => blocks).map(({ kind }) => kind)).toContain('id');
      expect(sent(scrape, 'events')).toBe(eventsOf(clients));
      await clients[0]!.until('a heartbeat', () => clients[0]!.blocks.at(-1)!.kind === 'heartbeat');
      await untilScraped('its bytes', gateway, (now) => sent(now, 'bytes') === bytesOf(clients));
      expect(sent(await Scrape.of(gateway), 'events')).toBe(eventsOf(clients));
    });

    test('sse_kafka_delivery_seconds counts live records for each client, and no others', async () => {
      const [plain, compacted] = [
        await kafka.createTopic(),
        await kafka.createTopic({ compacted: true }),
      ];
      for (const topic of [plain, compacted]) {
        await topic.produce(...['a', 'b', 'c'].map((key) => ({ key, value: 'old' })));
      }
      await using gateway = await Gateway.startReady(runtime, {
        topics: [plain.name, compacted.name],
      });
      for (const topic of [plain, compacted]) {
        await using streams = new StreamGroup();
        const open = (query: string): Promise<SseStream> =>
          gateway.stream(`/${topic.name}${query}`);
        /** Each with the events that it gets before the live ones. */
        const opened: readonly (readonly [SseStream, number])[] = [
          [await open(''), 3],
          [await open(''), 3],
          [await open('?format=json'), 3 + 1],
          [await open('?since=latest'), 0],
        ];
        const clients = opened.map(([client]) => streams.add(client));
        for (const [client, count] of opened) await client.untilEvents(count);
        const last = clients.at(-1)!;
        await last.until('its start', () => last.blocks.some(({ kind }) => kind === 'id'));
        const timed = async (): Promise<readonly [number, number, number]> => {
          const { count, sum, buckets } = (await Scrape.of(gateway)).one(
            'sse_kafka_delivery_seconds',
            { topic: topic.name },
          );
          return [count!, sum!, count! - buckets!['60']!];
        };
        expect(await timed()).toEqual([0, 0, 0]);
        const begin = Date.now();
        for (let n = 0; n < 5; n++) {
          await topic.produce({ key: 'a', value: `live ${n}` });
          await last.untilEvents(n + 1);
        }
        for (const [client, count] of opened) await client.untilEvents(count + 5);
        const [live, sum, late] = await timed();
        expect([live, late]).toEqual([5 * 4, 0]);
        expect(sum).toBeLessThanOrEqual((5 * 4 * (Date.now() - begin)) / 1000);
        // The record's time is what counts, not when it came.
        const hours = 3;
        await topic.produce({
          key: 'b',
          value: 'late',
          timestamp: Date.now() - hours * 3_600_000,
        });
        for (const [client, count] of opened) await client.untilEvents(count + 6);
        const [all, total, later] = await timed();
        expect([all, later]).toEqual([6 * 4, 4]);
        expect(total - sum).toBeGreaterThanOrEqual(4 * hours * 3600);
        // One that comes now gets all of it as what was there.
        await using newcomer = await open('');
        await newcomer.untilEvents(topic === plain ? 9 : 3);
        expect((await timed())[0]).toBe(6 * 4);
      }
    });

    test('sse_kafka_gaps_total counts the gaps that clients were told, by reason', async () => {
      const topic = await kafka.createTopic();
      await writeLabelled(topic, 'value', 10);
      await topic.deleteBefore(6);
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const told: Record<string, number> = {};
      for (const [reason, id] of [
        ['unreadable-cursor', 'none'],
        ['unreadable-cursor', 'none either'],
        ['truncated', topic.cursor(99)],
        ['recreated', topic.cursor(3).replace(/^....../, 'AgAAAA')],
        ['retention', topic.cursor(2)],
        ['retention', topic.cursor(3)],
        ['retention', topic.cursor(4)],
      ] as const) {
        await using stream = await gateway.stream(`/${topic.name}`, {
          headers: { 'last-event-id': id },
        });
        const [gap] = await stream.untilEvents(1);
        expect([reason, gap!.event]).toEqual([reason, 'gap']);
        const { reason: said } = JSON.parse(gap!.data) as { reason: string };
        told[said] = (told[said] ?? 0) + 1;
      }
      const scrape = await Scrape.of(gateway);
      const counted = REASONS.map((reason) => [
        reason,
        scrape.value('sse_kafka_gaps_total', { topic: topic.name, reason }),
      ]);
      expect(counted).toEqual(REASONS.map((reason) => [reason, told[reason] ?? 0]));
    });
  });
});
