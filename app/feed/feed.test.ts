import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { ReaderSlots } from '../history/reader_slots.ts';
import type {
  Batch,
  KafkaRecord,
  Offsets,
  RecordSource,
  TopicDescription,
} from '../ports/source.ts';
import type { Subscription } from '../stretches/subscription.ts';
import { PLAIN } from '../views/view.ts';
import { Feed } from './feed.ts';

const decoder = new TextDecoder();
const NEW_CLIENT = { cursor: null, since: null };
const LIVE_CLIENT = { cursor: null, since: 'latest' } as const;

/** A Kafka in memory whose partitions hold the same records, and grow when they are told to. */
class Records implements RecordSource {
  readonly forClients = this;
  readonly #values: string[] = [];
  partitions: number;
  /** What the brokers do when they are asked of the topic. */
  asked: 'answer' | 'deny' | 'refuse' = 'answer';
  #grown = (): void => {};
  /** `null` on a topic that is not compacted. */
  readonly #retentionMs: number | null;
  /** Offsets that the cleaner has taken away. */
  readonly #dropped = new Set<number>();

  constructor(partitions: number, values: readonly string[], retentionMs: number | null = null) {
    this.partitions = partitions;
    this.#retentionMs = retentionMs;
    this.#values.push(...values);
  }

  grow(values: readonly string[]): void {
    this.write(values);
    this.#grown();
  }

  /** Nobody hears of it until it grows. */
  write(values: readonly string[]): void {
    this.#values.push(...values);
  }

  drop(offset: number): void {
    this.#dropped.add(offset);
  }

  describe(name: string): Promise<TopicDescription | null> {
    if (this.asked === 'deny') return Promise.resolve(null);
    if (this.asked === 'refuse') return Promise.reject(new Error('no answer'));
    const deleteRetentionMs = this.#retentionMs;
    const kind = { compacted: deleteRetentionMs !== null, deletes: false, deleteRetentionMs };
    return Promise.resolve({
      name,
      id: Uint8Array.of(1, 2, 3, 4),
      partitions: this.partitions,
      ...kind,
    });
  }

  offsets(_: string, partitions: readonly number[], at: string | number): Promise<Offsets> {
    const offset = at === 'earliest' ? 0 : this.#values.length;
    return Promise.resolve(new Map(partitions.map((partition) => [partition, offset])));
  }

  async *read(_: unknown, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const positions = new Map(from);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    while (!signal.aborted) {
      const grown = new Promise<void>((resolve) => {
        this.#grown = resolve;
      });
      const end = this.#values.length;
      const records = [...positions].flatMap(([partition, offset]) =>
        this.#values
          .slice(offset)
          .map((value, i) => record(partition, offset + i, value))
          .filter((one) => !this.#dropped.has(one.offset)),
      );
      for (const partition of positions.keys()) positions.set(partition, end);
      if (records.length > 0) yield { records, positions: new Map(positions) };
      else await Promise.race([grown, aborted]);
    }
  }

  status() {
    return { up: true, error: null };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function record(partition: number, offset: number, value: string): KafkaRecord {
  const bytes = new TextEncoder().encode(value);
  return { partition, offset, timestamp: -1, key: bytes, value: bytes, headers: [] };
}

let end: AbortController;
beforeEach(() => {
  end = new AbortController();
});
afterEach(() => end.abort());

async function loaded(source: Records, deniedAgainMs?: number): Promise<Feed> {
  const readers = { history: new ReaderSlots(3), sweeps: new ReaderSlots(1) };
  const feed = new Feed(
    'events',
    source,
    2 ** 20,
    readers,
    deniedAgainMs === undefined ? {} : { deniedAgainMs },
  );
  void feed.run(end.signal);
  await eventually('the topic to be loaded', async () => feed.loadedLog);
  return feed;
}

/** The next array that a client gets. */
function next(subscription: Subscription): Promise<Uint8Array> {
  return eventually('bytes', async () => subscription.take());
}

/** How many records are in an array. */
function records(bytes: Uint8Array): number {
  return decoder.decode(bytes).split('data:').length - 1;
}

const values = Array.from({ length: 20 }, (_, n) => `value ${n}`);

describe('Feed', () => {
  test('hands all that one read brought to every live client as one and the same array', async () => {
    const source = new Records(2, []);
    const feed = await loaded(source);
    const clients = [feed.subscribe(PLAIN, LIVE_CLIENT), feed.subscribe(PLAIN, LIVE_CLIENT)];
    for (const client of clients) while (client.take() !== null);
    source.grow(values);
    const [one, other] = [await next(clients[0]!), await next(clients[1]!)];
    expect(records(one)).toBe(2 * values.length);
    expect(other).toBe(one);
  });

  test.each([1, 3])(
    'looks up once for all clients what of %d partitions that are read back is superseded',
    async (partitions) => {
      const feed = await loaded(new Records(partitions, values, 86_400_000));
      const log = feed.loadedLog!;
      // As if memory held nothing of it.
      log.start = log.positions.slice();
      const lookups = jest.spyOn(log.keys!, 'get');
      const first = feed.subscribe(PLAIN, NEW_CLIENT);
      expect(records(await next(first))).toBe(partitions * values.length);
      expect(lookups).toHaveBeenCalledTimes(partitions * values.length);
      const topicId = Uint8Array.of(1, 2, 3, 4);
      const offsets = new Map(Array.from({ length: partitions }, (_, n) => [n, n === 0 ? 1 : 0]));
      const elsewhere = feed.subscribe(PLAIN, { cursor: { topicId, offsets }, since: null });
      expect(records(await next(elsewhere))).toBe(partitions * values.length - 1);
      expect(lookups).toHaveBeenCalledTimes(partitions * values.length);
    },
  );

  test.each([1, 3])(
    'hands what is read back from %d partitions to a crowd as one and the same array',
    async (partitions) => {
      const feed = await loaded(new Records(partitions, values));
      const clients = [feed.subscribe(PLAIN, NEW_CLIENT), feed.subscribe(PLAIN, NEW_CLIENT)];
      const first = await next(clients[0]!);
      expect(records(first)).toBe(partitions * values.length);
      expect(await next(clients[1]!)).toBe(first);
    },
  );

  describe('while its brokers do not answer', () => {
    beforeEach(() => {
      jest.useFakeTimers();
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    /** A feed that begins to read now. */
    async function began(source: Records): Promise<Feed> {
      const readers = { history: new ReaderSlots(3), sweeps: new ReaderSlots(1) };
      const feed = new Feed('events', source, 2 ** 20, readers);
      void feed.run(end.signal);
      await jest.advanceTimersByTimeAsync(100);
      return feed;
    }
    const blockOf = (client: Subscription): string | null => {
      const bytes = client.take();
      return bytes && decoder.decode(bytes);
    };

    test('tells all who wait, and who comes meanwhile first of all, and that they do again', async () => {
      const source = new Records(1, ['one']);
      const feed = await began(source);
      const client = feed.subscribe(PLAIN, LIVE_CLIENT);
      expect(blockOf(client)).toMatch(/^id:/);
      expect(blockOf(client)).toBeNull();
      let woken = 0;
      client.wait(() => woken++);
      source.asked = 'refuse';
      await jest.advanceTimersByTimeAsync(20_000);
      expect(woken).toBe(1);
      const stale = blockOf(client);
      expect(stale).toMatch(/^event:stale\ndata:{"since":\d{13}}\n\n$/);
      const other = feed.subscribe(PLAIN, LIVE_CLIENT);
      expect([blockOf(other), blockOf(client)]).toEqual([stale, null]);
      expect(blockOf(other)).toMatch(/^id:/);
      // The brokers do not answer, but what was asked of them before goes on coming.
      source.grow(['two']);
      await jest.advanceTimersByTimeAsync(100);
      expect(blockOf(client)).toMatch('data:two');
      source.asked = 'answer';
      await jest.advanceTimersByTimeAsync(20_000);
      expect([blockOf(client), blockOf(client)]).toEqual(['event:fresh\ndata:{}\n\n', null]);
      client.close();
      other.close();
    });

    test('tells nothing of a topic that does not exist, and of brokers that never answered', async () => {
      const source = new Records(1, ['one']);
      source.asked = 'deny';
      const feed = await began(source);
      const client = feed.subscribe(PLAIN, NEW_CLIENT);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(blockOf(client)).toBeNull();
      client.close();
      source.asked = 'refuse';
      const startedAt = Date.now();
      const unanswered = (await began(source)).subscribe(PLAIN, NEW_CLIENT);
      await jest.advanceTimersByTimeAsync(20_000);
      expect(blockOf(unanswered)).toBe(`event:stale\ndata:{"since":${startedAt}}\n\n`);
      unanswered.close();
    });
  });

  describe('that reads nothing of a compacted topic', () => {
    beforeEach(() => {
      jest.useFakeTimers();
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    const text = (client: Subscription): string => {
      const blocks: Uint8Array[] = [];
      for (let bytes = client.take(); bytes !== null; bytes = client.take()) blocks.push(bytes);
      return decoder.decode(Buffer.concat(blocks));
    };
    const idsOf = (blocks: string): string[] =>
      [...blocks.matchAll(/^id:(.*)$/gm)].map(([, id]) => id!);
    const timeOf = (id: string): number => Number.parseInt(id.split('~')[1]!, 36);

    /** What a client gets whose feed reads nothing for so long, while one delete is written and dropped. */
    async function awayFor(milliseconds: number, isDropped = true): Promise<string> {
      const source = new Records(1, ['one', 'two'], 8000);
      const readers = { history: new ReaderSlots(3), sweeps: new ReaderSlots(1) };
      const feed = new Feed('events', source, 2 ** 20, readers);
      void feed.run(end.signal);
      await jest.advanceTimersByTimeAsync(3000);
      const client = feed.subscribe(PLAIN, NEW_CLIENT);
      expect(text(client)).toMatch(/^data:one\n.*\n\ndata:two\n.*\n\n$/);
      source.write(['a delete of one', 'three']);
      await jest.advanceTimersByTimeAsync(milliseconds);
      if (isDropped) for (const offset of [0, 2]) source.drop(offset);
      source.grow([]);
      await jest.advanceTimersByTimeAsync(3000);
      const first = text(client);
      // It may have to be asked first where the topic begins.
      await jest.advanceTimersByTimeAsync(100);
      const told = (first + text(client)).replace(/^event:stale\n.*\n\n/, '');
      client.close();
      return told;
    }

    test('for longer than delete.retention.ms begins anew, and so do its clients', async () => {
      const told = await awayFor(9001);
      const partitions = [{ partition: 0, from: 2, to: 0 }];
      const gap = JSON.stringify({ reason: 'deletes', topic: 'events', partitions });
      expect(told.replace(/^id:.*\n/gm, '')).toBe(
        `event:gap\ndata:${gap}\n\ndata:two\n\ndata:three\n\n`,
      );
    });

    test('goes on where it was less long, or where nothing was dropped', async () => {
      const goesOn = 'data:three\n\n';
      expect((await awayFor(6500)).replace(/^id:.*\n/gm, '')).toBe(goesOn);
      expect((await awayFor(9001, false)).replace(/^id:.*\n/gm, '')).toBe(
        `data:a delete of one\n\n${goesOn}`,
      );
    });

    test('gives ids no later time than when it had everything, and a second', async () => {
      const source = new Records(1, ['one'], 8000);
      const readers = { history: new ReaderSlots(3), sweeps: new ReaderSlots(1) };
      const feed = new Feed('events', source, 2 ** 20, readers);
      void feed.run(end.signal);
      await jest.advanceTimersByTimeAsync(3000);
      const hadAllAt = Date.now();
      source.write(['two']);
      await jest.advanceTimersByTimeAsync(60_000);
      const client = feed.subscribe(PLAIN, NEW_CLIENT);
      const [id] = idsOf(text(client));
      expect(timeOf(id!)).toBeLessThanOrEqual((hadAllAt + 1000) / 1000);
      source.grow([]);
      await jest.advanceTimersByTimeAsync(3000);
      expect(timeOf(idsOf(text(client))[0]!)).toBeGreaterThanOrEqual(Date.now() / 1000 - 4);
      client.close();
    });
  });

  describe('for a cursor that names a partition which the topic lacks', () => {
    const cursor = {
      topicId: Uint8Array.of(1, 2, 3, 4),
      offsets: new Map([
        [0, 5],
        [7, 1],
      ]),
    };
    const start = { cursor, since: null };

    test('begins anew once the brokers have denied it twice, at no other cost than a new client', async () => {
      const feed = await loaded(new Records(1, values), 1);
      const client = feed.subscribe(PLAIN, start);
      expect(client.take()).toBeNull();
      const text = decoder.decode(await next(client));
      const lost = [
        { partition: 0, from: 5, to: 0 },
        { partition: 7, from: 1, to: 0 },
      ];
      const gap = JSON.stringify({ reason: 'recreated', topic: 'events', partitions: lost });
      expect(text).toBe(`event:gap\ndata:${gap}\nid:AgECAwQCAAA=\n\n`);
      expect(await next(client)).toBe(await next(feed.subscribe(PLAIN, NEW_CLIENT)));
    });

    test('goes on where the brokers know it by the time they are asked again', async () => {
      const source = new Records(1, values);
      const feed = await loaded(source, 1);
      const client = feed.subscribe(PLAIN, start);
      expect(client.take()).toBeNull();
      source.partitions = 8;
      const blocks = decoder.decode(await next(client)).split('\n\n');
      expect(blocks[0]).toBe('data:value 5\nid:AgECAwQEAAwOAg==');
    });
  });
});
