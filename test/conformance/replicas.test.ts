import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import type { GatewayClient } from '../support/gateway_client.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type NewRecord, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import type { Block } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';

const PARTITIONS = 3;
const KEYS = 10;
const CLIENTS = 6;
const TURNS = IS_ALL ? 12 : 4;
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
  async read(
    gateway: GatewayClient,
    isEnough: (events: readonly Block[]) => boolean,
  ): Promise<void> {
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

/** Lets clients read a topic and be cut, and in the end read all that there is. */
async function goToAndFro(
  { topic, load }: Written,
  gateways: readonly [GatewayClient, GatewayClient],
): Promise<Outcome> {
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

interface Written {
  readonly topic: Topic;
  readonly load: Load;
}

interface Outcome {
  readonly browsers: readonly Browser[];
  /** How many records each partition has. */
  readonly count: number;
}

onRuntimesOfTier((runtime) => {
  /** Two gateways with all topics of these cases; one is stopped for a while. */
  let first!: HostedGateway;
  let second!: Gateway;
  let plain!: Outcome;
  let compacted!: Outcome;
  let quiet!: Readonly<Record<'plain' | 'compacted', Topic>>;
  const loads: Load[] = [];
  beforeAll(async () => {
    const create = (compacted: boolean, partitions: number): Promise<Topic> =>
      kafka.createTopic({ compacted, partitions });
    const topics = await Promise.all([
      create(false, PARTITIONS),
      create(true, PARTITIONS),
      create(false, 1),
      create(true, 1),
    ]);
    quiet = { plain: topics[2], compacted: topics[3] };
    for (const topic of Object.values(quiet)) await topic.produce({ key: 'a', value: 'a' });
    const options = {
      topics: topics.map(({ name }) => name),
      env: { FEED_MEMORY_MB: '1', HEARTBEAT_SECONDS: '0' },
    };
    first = await HostedGateway.startReady(runtime, options);
    for (const topic of topics.slice(0, 2)) loads.push(new Load(topic));
    second = await Gateway.startReady(runtime, options);
    [plain, compacted] = await Promise.all([
      goToAndFro({ topic: topics[0], load: loads[0]! }, [first, second]),
      goToAndFro({ topic: topics[1], load: loads[1]! }, [first, second]),
    ]);
  });
  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    for (const gateway of [first, second]) await gateway?.[Symbol.asyncDispose]();
  });

  describe('two gateways under load, one started later, and clients that go to and fro', () => {
    test('on a plain topic: nothing is lost, nothing comes twice, order is kept', () => {
      const { browsers, count } = plain;
      const expected = Array.from({ length: count }, (_, n) => n);
      for (const { events } of browsers) {
        for (const got of numbers(events)) expect(got).toEqual(expected);
      }
    });

    test('on a compacted topic: of each key the latest comes, none twice, order is kept', () => {
      const { browsers, count } = compacted;
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
    test.each(['plain', 'compacted'] as const)(
      'takes an id of the other as it is, and waits for what follows: %s',
      async (kind) => {
        const topic = quiet[kind];
        second.kill('SIGSTOP');
        await topic.produce({ key: 'b', value: 'b' }, { key: 'c', value: 'c' });
        await using ahead = await first.stream(`/${topic.name}`);
        const { id } = (await ahead.untilEvents(3)).at(-1)!;
        // The kernel takes the connection and the request meanwhile.
        const opening = second.stream(`/${topic.name}`, { headers: { 'last-event-id': id } });
        second.kill('SIGCONT');
        await using behind = await opening;
        await topic.produce({ key: 'd', value: 'd' });
        const events = await behind.untilEvents(1);
        expect(events.map(({ raw }) => raw)).toEqual([`data:d\nid:${topic.cursor(4)}\n\n`]);
      },
    );
  });
});
