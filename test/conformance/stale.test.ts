import { expect } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { TestKafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { OwnKafka } from '../support/own_kafka.ts';
import { RUNTIMES } from '../support/runtimes.ts';
import { shared } from '../support/shared.ts';
import { testSideBySide } from '../support/side_by_side.ts';
import type { Block, SseStream } from '../support/sse_stream.ts';

const QUIET_MS = 10_000;
/** Of which 20 s are the contract's, and the rest a busy machine's. */
const TOLD_MS = 40_000;

let kafka!: TestKafka;
const broker = shared(async () => {
  const own = await OwnKafka.start(await freePort());
  kafka = new TestKafka(own.brokers);
  return own;
});

/** The blocks that say whether the gateway hears of the topic. */
function standings({ blocks }: SseStream): Block[] {
  return blocks.filter(({ kind }) => kind === 'standing');
}

async function untilTold(stream: SseStream, count: number): Promise<Block> {
  const told = stream.until(`${count} standings`, () => standings(stream).length >= count);
  await within('it to be told', told, TOLD_MS);
  return standings(stream)[count - 1]!;
}

testSideBySide(
  RUNTIMES,
  'a gateway tells its clients that it hears nothing from a broker that hangs or is gone, and that it does again',
  async (runtime, meet) => {
    const topic = await kafka.createTopic({ partitions: 2 });
    const missing = newName();
    await topic.produce({ value: 'first' });
    await using gateway = await HostedGateway.start(runtime, {
      topics: [topic.name, missing],
      env: { KAFKA_BROKERS: kafka.brokers },
    });
    await using plain = await gateway.stream(`/${topic.name}`);
    await using json = await gateway.stream(`/${topic.name}?format=json`);
    await using silent = await gateway.stream(`/${missing}`);
    await plain.untilEvents(1);
    await json.untilEvents(2);

    const outages = [
      { begin: async () => broker().freeze(), end: async () => broker().thaw() },
      { begin: () => broker().kill(), end: () => broker().start() },
    ];
    for (const [n, { begin, end }] of outages.entries()) {
      const began = Date.now();
      await meet(begin);
      const gone = Date.now();
      for (const stream of [plain, json]) {
        const { event, data } = await untilTold(stream, 2 * n + 1);
        expect(event).toBe('stale');
        const { since } = JSON.parse(data) as { since: number };
        expect(since).toBeGreaterThan(began - QUIET_MS);
        expect(since).toBeLessThanOrEqual(gone + 1000);
        expect(Date.now() - since).toBeGreaterThanOrEqual(QUIET_MS);
      }
      await using late = await gateway.stream(`/${topic.name}`);
      // Records that are not in memory are with the brokers.
      expect((await untilTold(late, 1)).raw).toBe(standings(plain).at(-1)!.raw);
      expect(late.blocks.slice(0, 2).map(({ kind }) => kind)).toEqual(['retry', 'standing']);

      await meet(end);
      for (const stream of [plain, json, late]) {
        const count = stream === late ? 2 : 2 * n + 2;
        expect((await untilTold(stream, count)).raw).toBe('event:fresh\ndata:{}\n\n');
      }
      await topic.produce({ value: `after ${n}` });
      for (const stream of [plain, json, late]) {
        await stream.until(
          'the record',
          () => stream.events.at(-1)?.data.includes(`after ${n}`) === true,
        );
      }
    }
    expect(plain.events.map(({ id }) => id)).toEqual([1, 2, 3].map((at) => topic.cursor(at, 0)));
    await untilTold(silent, 4);
    // While the brokers answer, a topic that they do not have is no news.
    expect(standings(silent).map(({ event }) => event)).toEqual(
      standings(plain).map(({ event }) => event),
    );
  },
  240_000,
);
