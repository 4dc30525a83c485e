import { describe, expect, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import { kafka, type NewRecord, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import type { Block } from '../support/sse_stream.ts';

const PARTITIONS = 3;
const KEYS = 10;
const CLIENTS = 6;
const TURNS = 12;
/** How many events a client reads before it is cut, turn by turn. */
const READS = [1, 40, 700, 3, 1500, 150];

/** Writes to a topic until it is stopped: of each key one record a round, in each partition. */
class Load {
  readonly #topic: Topic;
  readonly #ended: Promise<void>;
  #rounds = 0;
  #isStopped = false;

  constructor(topic: Topic) {
    this.#topic = topic;
    this.#ended = this.#write();
  }

  /** @returns how many records each partition has */
  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#ended;
    return this.#rounds * KEYS;
  }

  async #write(): Promise<void> {
    for (; !this.#isStopped; this.#rounds++) {
      const records: NewRecord[] = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        for (let key = 0; key < KEYS; key++) {
          const value = `${partition} ${this.#rounds * KEYS + key} `.padEnd(500, 'x');
          records.push({ key: `key ${key}`, value, partition });
        }
      }
      await this.#topic.produce(...records);
    }
  }
}

/** What a browser gets of a topic, on streams that are cut. */
class Browser {
  readonly events: Block[] = [];
  readonly #topic: Topic;
  #lastId = '';

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  /** Reads on until enough came on this stream, and is cut. */
  async read(gateway: Gateway, isEnough: (events: readonly Block[]) => boolean): Promise<void> {
    await using stream = await gateway.stream(`/${this.#topic.name}`, {
      headers: { 'last-event-id': this.#lastId },
    });
    await stream.until('enough, before a cut', () => isEnough(stream.events));
    this.events.push(...stream.events);
    this.#lastId = stream.blocks.at(-1)!.id;
  }
}

/** Numbers by partition, in the order in which they came. */
function numbers(events: readonly Block[]): number[][] {
  const byPartition = Array.from({ length: PARTITIONS }, (): number[] => []);
  for (const { event, data } of events) {
    const [partition, n] = data.split(' ').map(Number);
    expect(event).toBe('message');
    byPartition[partition!]!.push(n!);
  }
  return byPartition;
}

onEachRuntime((runtime) => {
  describe('two gateways under load, one started later, and clients that go to and fro', () => {
    /** Lets clients read and be cut, and in the end read all that there is. */
    async function run(topic: Topic): Promise<{ browsers: Browser[]; count: number }> {
      const options = {
        topics: [topic.name],
        env: { FEED_MEMORY_MB: '1', HEARTBEAT_SECONDS: '0' },
      };
      await using first = await Gateway.startReady(runtime, options);
      const load = new Load(topic);
      await using second = await Gateway.startReady(runtime, options);
      const gateways = [first, second];
      const browsers = Array.from({ length: CLIENTS }, () => new Browser(topic));
      await Promise.all(
        browsers.map(async (browser, n) => {
          for (let turn = 0; turn < TURNS; turn++) {
            const count = READS[(turn + n) % READS.length]!;
            await browser.read(gateways[(turn + n) % 2]!, (events) => events.length >= count);
          }
        }),
      );
      const count = await load.stop();
      // Each partition's last record of each key.
      const isLast = ({ data }: Block): boolean => Number(data.split(' ')[1]) >= count - KEYS;
      for (const [n, browser] of browsers.entries()) {
        let missing = PARTITIONS * KEYS - browser.events.filter(isLast).length;
        if (missing === 0) continue;
        let looked = 0;
        await browser.read(gateways[n % 2]!, (events) => {
          for (; looked < events.length; looked++) if (isLast(events[looked]!)) missing--;
          return missing <= 0;
        });
      }
      return { browsers, count };
    }

    test('on a plain topic: nothing is lost, nothing comes twice, order is kept', async () => {
      const topic = await kafka.createTopic({ partitions: PARTITIONS });
      const { browsers, count } = await run(topic);
      const expected = Array.from({ length: count }, (_, n) => n);
      for (const { events } of browsers) {
        for (const got of numbers(events)) expect(got).toEqual(expected);
      }
    });

    test('on a compacted topic: of each key the latest comes, none twice, order is kept', async () => {
      const topic = await kafka.createTopic({ partitions: PARTITIONS, compacted: true });
      const { browsers, count } = await run(topic);
      for (const { events } of browsers) {
        for (const got of numbers(events)) {
          const latest = new Map<number, number>();
          const isNewer = (n: number): boolean => n > (latest.get(n % KEYS) ?? -1);
          expect(got.filter((n) => !(isNewer(n) && latest.set(n % KEYS, n)))).toEqual([]);
          const expected = Array.from({ length: KEYS }, (_, n) => count - KEYS + n);
          expect([...latest.values()].sort((a, b) => a - b)).toEqual(expected);
        }
      }
    });
  });

  describe('a gateway that lags behind another', () => {
    test.each([{ compacted: false }, { compacted: true }])(
      'takes an id of the other as it is, and waits for what follows: $compacted',
      async ({ compacted }) => {
        const topic = await kafka.createTopic({ compacted });
        await topic.produce({ key: 'a', value: 'a' });
        const start = (): Promise<Gateway> => Gateway.startReady(runtime, { topics: [topic.name] });
        await using ahead = await start();
        await using behind = await start();
        behind.kill('SIGSTOP');
        await topic.produce({ key: 'b', value: 'b' }, { key: 'c', value: 'c' });
        await using first = await ahead.stream(`/${topic.name}`);
        const { id } = (await first.untilEvents(3)).at(-1)!;
        // The kernel takes the connection and the request meanwhile.
        const opening = behind.stream(`/${topic.name}`, { headers: { 'last-event-id': id } });
        behind.kill('SIGCONT');
        await using second = await opening;
        await topic.produce({ key: 'd', value: 'd' });
        const events = await second.untilEvents(1);
        expect(events.map(({ raw }) => raw)).toEqual([`data:d\nid:${topic.cursor(4)}\n\n`]);
      },
    );
  });
});
