import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import type { NewRecord, Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { cursorOffsets } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

/** Records, all with the key that their value is. */
function records(...values: readonly string[]): NewRecord[] {
  return values.map((value) => ({ key: value, value }));
}

/** Writes in transactions; each one's end takes an offset. @returns the next offset */
async function writeMix(topic: Topic): Promise<number> {
  await topic.produce(...records('plain 0'));
  await (await topic.begin(...records('aborted 1', 'aborted 2'))).abort();
  await (await topic.begin(...records('committed 4', 'committed 5'))).commit();
  await (await topic.begin(...records('aborted 7'))).abort();
  await (await topic.begin(...records('aborted 9'))).abort();
  await topic.produce(...records('plain 11'));
  await (await topic.begin(...records('committed 12'))).commit();
  return 14;
}

const SHOWN = ['plain 0', 'committed 4', 'committed 5', 'plain 11', 'committed 12'];

onEachRuntime((runtime) => {
  describe.each([
    { kind: 'a plain topic', compacted: false },
    { kind: 'a compacted topic', compacted: true },
  ])('transactions on $kind', ({ compacted }) => {
    let topic!: Topic;
    let end!: number;
    /** One that saw them live, and one that came later. */
    const gateways = [true, false].map((isEarly) =>
      shared(async () => {
        if (isEarly) topic = await kafka.createTopic({ compacted });
        const gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        if (isEarly) {
          end = await writeMix(topic);
          await eventually('the last marker to be read', async () => {
            await using stream = await gateway.stream(`/${topic.name}?format=json`);
            // What is read meanwhile comes after it.
            const live = () => stream.events.find(({ event }) => event === 'live');
            await stream.until('live', () => live() !== undefined);
            return live()!.id === topic.cursor(end);
          });
        }
        return gateway;
      }),
    );

    test('show once they are committed, whole; others and markers never show', async () => {
      await using streams = new StreamGroup();
      for (const gateway of gateways) {
        for (const [next, shown] of [
          [0, 0],
          [1, 1],
          [2, 1],
          [4, 1],
          [5, 2],
          [6, 3],
          [11, 3],
          [12, 4],
        ] as const) {
          const stream = streams.add(
            await gateway().stream(`/${topic.name}?format=json`, {
              headers: { 'last-event-id': next === 0 ? '' : topic.cursor(next) },
            }),
          );
          await stream.until('live', () => stream.events.at(-1)?.event === 'live');
          const expected = SHOWN.slice(shown);
          const events = stream.events.slice(0, -1);
          const values = events.map(({ data }) => JSON.parse(data));
          expect(values.map(({ value }) => value)).toEqual(expected);
          for (const [at, { id }] of events.entries()) {
            const { value, offset } = values[at]!;
            expect(offset).toBe(Number(value.split(' ')[1]));
            const after = cursorOffsets(id).get(0)!;
            expect(after).toBeGreaterThan(offset);
            expect(after).toBeLessThanOrEqual(values[at + 1]?.offset ?? end);
          }
          expect(stream.events.at(-1)!.id).toBe(topic.cursor(end));
        }
      }
    });

    test('move the place of an idle client, which is told of it', async () => {
      const own = await kafka.createTopic({ compacted });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [own.name],
        env: { HEARTBEAT_SECONDS: '1' },
      });
      await using stream = await gateway.stream(`/${own.name}`);
      const blocks = (): string[] => stream.blocks.map(({ raw }) => raw).slice(1);
      await stream.until('a heartbeat', () => blocks().length > 0);
      await (await own.begin(...records('aborted'))).abort();
      const place = `event:place\ndata:{}\nid:${own.cursor(2)}\n\n`;
      await stream.until('a heartbeat behind its place', () => {
        const told = blocks().indexOf(place);
        return told >= 0 && told < blocks().length - 1;
      });
      expect(blocks().filter((raw) => raw !== ':\n\n')).toEqual([place]);
    });

    test('stay out while they are open, and hold back what is behind them', async () => {
      const own = await kafka.createTopic({ compacted });
      await own.produce(...records('before'));
      const open = await own.begin(...records('open 1', 'open 2'));
      await own.produce(...records('behind 3'));
      await using gateway = await Gateway.startReady(runtime, { topics: [own.name] });
      await using stream = await gateway.stream(`/${own.name}?format=json`);
      await stream.until('live', () => stream.events.at(-1)?.event === 'live');
      expect(stream.events.map(({ event }) => event)).toEqual(['message', 'live']);
      expect(stream.events[1]!.id).toBe(own.cursor(1));
      await own.produce(...records('behind 4'));
      await open.commit();
      await own.produce(...records('last'));
      await stream.until('the last record', () =>
        Boolean(stream.events.at(-1)?.data.includes('"last"')),
      );
      const values = stream.events.slice(2).map(({ data }) => JSON.parse(data).value);
      expect(values).toEqual(['open 1', 'open 2', 'behind 3', 'behind 4', 'last']);
    });
  });

  describe('a topic that holds nothing to show', () => {
    test.each([{ compacted: false }, { compacted: true }])(
      'but the traces of a transaction is live at once: $compacted',
      async ({ compacted }) => {
        const topic = await kafka.createTopic({ compacted });
        await (await topic.begin(...records('aborted'))).abort();
        await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
        for (const id of ['', topic.cursor(1)]) {
          await using stream = await gateway.stream(`/${topic.name}?format=json`, {
            headers: { 'last-event-id': id },
          });
          await stream.untilEvents(1);
          expect(stream.blocks[1]!.raw).toBe(`event:live\ndata:{}\nid:${topic.cursor(2)}\n\n`);
        }
      },
    );
  });
});
