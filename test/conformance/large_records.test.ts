import { describe, expect, test } from '@jest/globals';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import type { Block } from '../support/sse_stream.ts';

const MB = 2 ** 20;
/** Of 10 MB, on one line and on many. */
const LARGE = ['a'.repeat(10 * MB), ` ${'é'.repeat(500)}\n`.repeat(10_000)];
const VALUES = ['first', LARGE[0]!, 'between', LARGE[1]!, 'last'];

onRuntimesOfTier((runtime) => {
  describe.each([
    { kind: 'a plain topic', compacted: false },
    { kind: 'a compacted topic', compacted: true },
  ])('values of 10 MB, ten times the memory, on $kind', ({ compacted }) => {
    let topic!: Topic;
    const gateways = [true, false].map((isEarly) =>
      shared(async () => {
        if (isEarly) {
          const configs = { 'max.message.bytes': String(12 * MB) };
          topic = await kafka.createTopic({ compacted, configs });
        }
        const gateway = await HostedGateway.startReady(runtime, {
          topics: [topic.name],
          env: { FEED_MEMORY_MB: '1' },
        });
        // One after the other, so that each is a batch of its own.
        if (isEarly)
          for (const [n, value] of VALUES.entries()) {
            await topic.produce({ key: `${n}`, value });
          }
        return gateway;
      }),
    );

    test.each([0, 2])('come whole to a client at offset %d', async (next) => {
      for (const gateway of gateways) {
        await using stream = await gateway().stream(`/${topic.name}`, {
          headers: { 'last-event-id': next === 0 ? '' : topic.cursor(next) },
        });
        const events = await stream.untilEvents(VALUES.length - next);
        // Not compared by expect: it would print all of it.
        const isRight = ({ data }: Block, at: number): boolean => data === VALUES[next + at];
        expect(events.map(isRight)).toEqual(VALUES.slice(next).map(() => true));
        expect(events.at(-1)!.id).toBe(topic.cursor(VALUES.length));
      }
    });

    test('come again from the last id to a client that was cut within one', async () => {
      for (const gateway of gateways) {
        await using first = await gateway().stream(`/${topic.name}`);
        await first.until('a part of a large value', () => first.bytes.length > 5 * MB);
        first.cut();
        const [last] = first.events.slice(-1);
        expect(last!.id).toBe(topic.cursor(1));
        await using second = await gateway().stream(`/${topic.name}`, {
          headers: { 'last-event-id': last!.id },
        });
        const [large] = await second.untilEvents(1);
        expect(large!.data === LARGE[0]).toBe(true);
      }
    });

    test('come live', async () => {
      const own = await kafka.createTopic({
        compacted,
        configs: { 'max.message.bytes': String(12 * MB) },
      });
      await using gateway = await HostedGateway.startReady(runtime, {
        topics: [own.name],
        env: { FEED_MEMORY_MB: '1' },
      });
      await using stream = await gateway.stream(`/${own.name}?format=json`);
      await stream.untilEvents(1);
      await own.produce({ key: 'a', value: LARGE[0]! });
      await own.produce({ key: 'b', value: 'next' });
      const [, large, next] = await stream.untilEvents(3);
      expect(JSON.parse(large!.data).value === LARGE[0]).toBe(true);
      expect(JSON.parse(next!.data).value).toBe('next');
    });
  });
});
