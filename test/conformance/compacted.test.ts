import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { CLEANED_AT_ONCE, untilCleaned } from '../support/cleaner.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat, type NewRecord, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';
import { base64url, cursorOffsets } from '../support/wire_format.ts';

/** Writes `<key>:<value>` lines to partition 0. */
async function writeLines({ name }: Topic, lines: readonly string[]): Promise<void> {
  await kcat(['-P', '-t', name, '-p', '0', '-K:'], lines.join('\n'));
}

/** Waits until a gateway has read all records but those from an offset on. */
async function untilRead(gateway: HostedGateway, topic: Topic, end: number): Promise<void> {
  await using stream = await gateway.stream(`/${topic.name}`, {
    headers: { 'last-event-id': topic.cursor(end - 1) },
  });
  await stream.untilEvents(1);
}

onRuntimesOfTier((runtime) => {
  const UPDATES = IS_ALL ? 60_000 : 40_000;
  describe(`10 keys with ${UPDATES} updates`, () => {
    const keyOf = (update: number): string => `key ${update % 10}`;
    const lineOf = (update: number): string =>
      `${keyOf(update)}:${`${keyOf(update)} ${update} `.padEnd(1000, 'x')}`;
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic({ compacted: true });
      await writeLines(
        topic,
        Array.from({ length: 10 }, (_, update) => lineOf(update)),
      );
      return HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: { FEED_MEMORY_MB: '8', STALL_SECONDS: '0' },
      });
    });

    /** Key and number of each update that came, in order. */
    function updates(events: readonly Block[]): [key: string, update: number][] {
      return events.map(({ data }) => {
        const [, key = '', update] = /^(key \d) (\d+) x+$/.exec(data) ?? [];
        return [key, Number(update)];
      });
    }

    test('a client that slept gets the latest of each, and few of those before', async () => {
      await using sleeper = await gateway().stream(`/${topic.name}`);
      await sleeper.untilEvents(10);
      sleeper.pause();
      const lines = Array.from({ length: UPDATES }, (_, n) => lineOf(n + 10));
      await writeLines(topic, lines);
      await untilRead(gateway(), topic, UPDATES + 10);
      sleeper.resume();
      const last = keyOf(UPDATES + 9);
      await sleeper.until('the last update', () =>
        sleeper.events.at(-1)!.data.startsWith(`${last} ${UPDATES + 9} `),
      );
      await topic.produce({ key: 'key 0', value: 'key 0 99999 x' });
      await sleeper.until('the update after it', () =>
        sleeper.events.at(-1)!.data.startsWith('key 0 99999'),
      );
      const got = updates(sleeper.events);
      expect(got.length).toBeLessThan(UPDATES / 2);
      const latest = new Map<string, number>();
      for (const [key, update] of got) {
        expect(update).toBeGreaterThan(latest.get(key) ?? -1);
        latest.set(key, update);
      }
      const expected = Array.from({ length: 10 }, (_, n) => [keyOf(n), UPDATES + n]);
      expect([...latest].sort()).toEqual([['key 0', 99_999], ...expected.slice(1)]);
    });

    test('a client that comes while they are loaded gets no superseded one', async () => {
      await using other = await HostedGateway.start(runtime, { topics: [topic.name] });
      await using stream = await other.stream(`/${topic.name}`);
      const first = await stream.untilEvents(10);
      await topic.produce({ key: 'key 1', value: 'key 1 99999 x' });
      const got = updates(await stream.untilEvents(11));
      expect(got.slice(0, 10).sort()).toEqual(updates(first.slice(0, 10)).sort());
      expect(new Set(got.slice(0, 10).map(([key]) => key)).size).toBe(10);
      expect(got.slice(0, 10).every(([, update]) => update >= UPDATES)).toBe(true);
      expect(got[10]).toEqual(['key 1', 99_999]);
    });
  });

  describe.each([
    { title: '20,000 keys that do not fit into memory', cleaned: false },
    { title: '20,000 keys that do not fit into memory, cleaned by the broker', cleaned: true },
  ])('$title', ({ cleaned }) => {
    const KEYS = 20_000;
    /** By offset; null for a delete. */
    const records: { key: string; value: string | null }[] = [];
    let topic!: Topic;
    const write = async (from: number, to: number, step: number, label: string): Promise<void> => {
      const lines: string[] = [];
      for (let n = from; n < to; n += step) {
        const value = `${label} ${n} `.padEnd(200, 'x');
        lines.push(`key ${n}:${value}`);
        records.push({ key: `key ${n}`, value });
      }
      await writeLines(topic, lines);
    };
    const deleteKeys = async (from: number, to: number): Promise<void> => {
      const deletes = Array.from({ length: to - from }, (_, n) => ({
        key: `key ${from + n}`,
        value: null,
      }));
      await topic.produce(...deletes);
      records.push(...deletes);
    };
    const gateways = [true, false].map((isEarly) =>
      shared(async () => {
        if (isEarly) {
          topic = await kafka.createTopic(
            cleaned ? { configs: CLEANED_AT_ONCE } : { compacted: true },
          );
          await write(0, KEYS, 1, 'first');
        }
        const gateway = await HostedGateway.startReady(runtime, {
          topics: [topic.name],
          env: { FEED_MEMORY_MB: '1' },
        });
        if (isEarly) {
          await write(0, KEYS, 3, 'second');
          await deleteKeys(100, 600);
          await write(500, 550, 1, 'again');
          await write(KEYS, KEYS + 10, 1, 'new');
          if (cleaned) {
            await untilCleaned(topic, [0, 9999], () => write(0, 1, 1, 'roll'));
          }
          await untilRead(gateway, topic, records.length);
        }
        return gateway;
      }),
    );

    /** Offsets from `next` on of which the record is the latest of its key. */
    function latestFrom(next: number): number[] {
      const latest = new Map(records.map(({ key }, offset) => [key, offset]));
      return [...latest.values()].filter((offset) => offset >= next).sort((a, b) => a - b);
    }

    test.each([0, 1, 7000, KEYS, KEYS + 6900])(
      'a client at offset %d gets the latest of each that changed since, in order, once',
      async (next) => {
        const offsets = latestFrom(next);
        for (const gateway of gateways) {
          const headers = { 'last-event-id': next === 0 ? '' : topic.cursor(next) };
          await using stream = await gateway().stream(`/${topic.name}`, { headers });
          const { value: last } = records.at(-1)!;
          await stream.until('the last record', () => stream.events.at(-1)?.data === last);
          expect(stream.events.map(({ event, data }) => [event, data])).toEqual(
            offsets.map((offset) => {
              const { key, value } = records[offset]!;
              return value === null ? ['delete', base64url(Buffer.from(key))] : ['message', value];
            }),
          );
          const ids = stream.events.map(({ id }) => cursorOffsets(id).get(0)!);
          const isRight = (id: number, at: number): boolean =>
            id > offsets[at]! && id <= (offsets[at + 1] ?? records.length);
          expect(ids.filter((id, at) => !isRight(id, at))).toEqual([]);
        }
      },
    );
  });

  describe('keys', () => {
    const gatewayOf = async (topic: Topic): Promise<HostedGateway> =>
      HostedGateway.startReady(runtime, { topics: [topic.name] });

    test('of any bytes are told apart, within their partition', async () => {
      const topic = await kafka.createTopic({ compacted: true, partitions: 2 });
      const keys = [
        Buffer.alloc(0),
        ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
        Buffer.of(0, 0),
        Buffer.from('é'),
        Buffer.from('e\u0301'),
        Buffer.of(0xed, 0xa0, 0x80),
        Buffer.alloc(100_000, 1),
        Buffer.alloc(100_001, 1),
      ];
      const records = [0, 1].flatMap((partition) =>
        keys.map((key, at): NewRecord => ({ key, value: `${partition} ${at}`, partition })),
      );
      await topic.produce(...records.map((record) => ({ ...record, value: 'superseded' })));
      await topic.produce(...records);
      await using gateway = await gatewayOf(topic);
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(records.length);
      await topic.produce({ key: 'end', value: 'end' });
      const got = (await stream.untilEvents(records.length + 1)).map(({ data }) => data);
      expect(got.sort()).toEqual([...records.map(({ value }) => value), 'end'].sort());
    });

    test('that were deleted come as deletes, unless they are there again', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'gone', value: '1' }, { key: 'back', value: '1' });
      await using gateway = await gatewayOf(topic);
      await topic.produce({ key: 'gone' }, { key: 'back' }, { key: 'back', value: '2' });
      await topic.produce({ key: 'never there' }, { key: 'end', value: 'end' });
      await untilRead(gateway, topic, 7);
      for (const next of [0, 1, 2, 3]) {
        const headers = { 'last-event-id': next === 0 ? '' : topic.cursor(next) };
        await using stream = await gateway.stream(`/${topic.name}`, { headers });
        await stream.until('the end', () => stream.events.at(-1)?.data === 'end');
        expect(stream.events.map(({ event, data }) => [event, data])).toEqual([
          ...(next < 3 ? [['delete', base64url(Buffer.from('gone'))]] : []),
          ['message', '2'],
          ['delete', base64url(Buffer.from('never there'))],
          ['message', 'end'],
        ]);
      }
    });
  });
});
