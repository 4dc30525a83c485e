import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Traffic } from '../counts/traffic.ts';
import type { Batch, KafkaRecord, Offsets, RecordSource } from '../ports/source.ts';
import { HistoryPool, Waiter } from './history_pool.ts';
import { ReaderSlots } from './reader_slots.ts';

const BATCH_RECORDS = 10;
const VALUE = new Uint8Array(20);

/** A topic without end: each read gives a batch a round. */
class EndlessSource implements Pick<RecordSource, 'read' | 'offsets'> {
  /** Where each read began, in the order in which they did. */
  readonly begun: number[] = [];
  /** Reads that go on, and the most that did at once. */
  open = 0;
  mostOpen = 0;
  #nextRound = (): void => {};
  #round = this.#newRound();

  /** Lets each read go on by a batch. */
  advance(): void {
    const next = this.#nextRound;
    this.#round = this.#newRound();
    next();
  }

  async *read(_: unknown, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const positions = new Map(from);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.begun.push([...from.values()][0]!);
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    try {
      while (!signal.aborted) {
        await Promise.race([this.#round, aborted]);
        if (signal.aborted) return;
        const records = [...positions].flatMap(([partition, offset]) =>
          Array.from({ length: BATCH_RECORDS }, (_, i) => record(partition, offset + i)),
        );
        for (const [partition, offset] of positions) {
          positions.set(partition, offset + BATCH_RECORDS);
        }
        yield { records, positions: new Map(positions) };
      }
    } finally {
      this.open--;
    }
  }

  offsets(): Promise<Offsets> {
    return Promise.resolve(new Map());
  }

  #newRound(): Promise<void> {
    return new Promise((resolve) => {
      this.#nextRound = resolve;
    });
  }
}

function record(partition: number, offset: number): KafkaRecord {
  return { partition, offset, timestamp: -1, key: null, value: VALUE, headers: [] };
}

/** A client that takes what comes for as long as it lacks something. */
class Client {
  readonly #pool: HistoryPool;
  readonly #waiter = new Waiter(() => this.#take());
  readonly #partition: number;
  readonly #to: number;
  #at: number;
  /** Reads that were begun before it had its first record, since it came. */
  turnsToFirst: number | null = null;
  readonly #source: EndlessSource;
  readonly #begunBefore: number;

  constructor(pool: HistoryPool, source: EndlessSource, from: number, to: number, partition = 0) {
    this.#pool = pool;
    this.#source = source;
    this.#at = from;
    this.#to = to;
    this.#partition = partition;
    this.#begunBefore = source.begun.length;
    this.#take();
  }

  get isDone(): boolean {
    return this.#at >= this.#to;
  }

  leave(): void {
    this.#pool.leave(this.#waiter);
  }

  #take(): void {
    for (;;) {
      if (this.isDone) return;
      const block = this.#pool.blocks.find(this.#partition, this.#at);
      if (block === null) break;
      this.turnsToFirst ??= this.#source.begun.length - this.#begunBefore;
      this.#at = block.next;
    }
    this.#pool.want(this.#waiter, new Map([[this.#partition, this.#at]]));
  }
}

const pools: HistoryPool[] = [];

function poolOf(source: EndlessSource, slots: ReaderSlots = new ReaderSlots(8)): HistoryPool {
  const id = new Uint8Array(4);
  const policy = { compacted: false, deletes: true, deleteRetentionMs: null };
  const topic = { name: 'events', id, partitions: 2, ...policy };
  const traffic = new Traffic();
  const pool = new HistoryPool({
    source: source as unknown as RecordSource,
    topic,
    maxBytes: 2 ** 24,
    traffic,
    log: { clock: null, forgetAbsent() {} },
    slots,
  });
  pools.push(pool);
  return pool;
}

/** Clients at so many places, none of them near another. */
function farClients(pool: HistoryPool, source: EndlessSource, count: number): Client[] {
  return Array.from({ length: count }, (_, i) => {
    const from = (i + 1) * 1_000_000;
    return new Client(pool, source, from, from + 500_000);
  });
}

/** Lets so many rounds pass, each a millisecond. */
async function pass(source: EndlessSource, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    source.advance();
    await effects();
    jest.advanceTimersByTime(1);
    await effects();
  }
}

/** Ends once the promises that can settle have: none has a chain as long as this. */
async function effects(): Promise<void> {
  for (let i = 0; i < 30; i++) await null;
}

describe('HistoryPool', () => {
  jest.useFakeTimers();
  afterEach(async () => {
    for (const pool of pools.splice(0)) pool.close();
    await effects();
  });

  test('HistoryPool gives a new client its first part within four turns, and a turn of it at once, beside 300 far ones', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 300);
    await pass(source, 20);
    for (let i = 0; i < 5; i++) {
      const client = new Client(pool, source, 10_000 * i, 10_000 * i + 7 * BATCH_RECORDS);
      await pass(source, 50);
      expect(client.turnsToFirst).toBeLessThanOrEqual(4);
      expect(client.isDone).toBe(true);
    }
  });

  test('HistoryPool gives the client that came last one turn after the other, until it has all', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 300);
    await pass(source, 20);
    const TURNS = 5;
    const client = new Client(pool, source, 0, TURNS * 8 * BATCH_RECORDS);
    const begun = source.begun.length;
    for (let i = 0; i < 1000 && !client.isDone; i++) await pass(source, 1);
    expect(client.isDone).toBe(true);
    // One of three readers is always its own.
    expect(source.begun.length - begun).toBeLessThanOrEqual(3 * TURNS + 6);
  });

  test('HistoryPool gives each of 100 far clients its turn while new ones keep coming', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    const far = farClients(pool, source, 100);
    for (let i = 0; far.some(({ turnsToFirst }) => turnsToFirst === null); i++) {
      expect(i).toBeLessThan(1000);
      new Client(pool, source, i * 100, i * 100 + 1);
      await pass(source, 10);
    }
  });

  test('HistoryPool reads once for all who wait at the same place, with few looks at them', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 3);
    let looks = 0;
    const waiters = Array.from({ length: 10_000 }, () => {
      const waiter = new Waiter(() => {});
      return new Proxy(waiter, {
        get: (target, name) => {
          looks++;
          return target[name as keyof Waiter];
        },
      });
    });
    const woken = waiters.map(() => 0);
    for (const [i, waiter] of waiters.entries()) {
      Object.defineProperty(waiter, 'wake', { value: () => woken[i]!++ });
      pool.want(waiter, new Map([[0, 5]]));
    }
    await pass(source, 200);
    expect(looks).toBeLessThan(20 * waiters.length);
    expect(source.begun.filter((offset) => offset === 5)).toEqual([5]);
    expect(woken.every((times) => times === 1)).toBe(true);
  });

  test('HistoryPool keeps the place of a client in the queue that something else wakes', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 3);
    const waiter = new Waiter(() => {});
    pool.want(waiter, new Map([[0, 5]]));
    farClients(pool, source, 30);
    for (let i = 0; i < 100 && waiter.waitsIn !== null; i++) {
      pool.want(waiter, new Map([[0, 5]]));
      await pass(source, 1);
    }
    expect(source.begun).toContain(5);
    expect(source.begun.indexOf(5)).toBeLessThan(6);
  });

  test('HistoryPool reads nothing for a client that has left', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 3);
    const client = new Client(pool, source, 5, 100);
    client.leave();
    await pass(source, 100);
    expect(source.begun).not.toContain(5);
  });

  test('HistoryPool gives way where a read brings nothing while others wait', async () => {
    const source = new EndlessSource();
    const pool = poolOf(source);
    farClients(pool, source, 3);
    await effects();
    const client = new Client(pool, source, 0, 5);
    jest.advanceTimersByTime(11_000);
    await pass(source, 100);
    expect(client.isDone).toBe(true);
  });
});

describe('ReaderSlots', () => {
  test('ReaderSlots bounds the readers of all topics, and each topic gets its turn', async () => {
    const source = new EndlessSource();
    const slots = new ReaderSlots(8);
    const clients: Client[] = [];
    for (let i = 0; i < 20; i++) {
      clients.push(...farClients(poolOf(source, slots), source, 2));
    }
    await pass(source, 200);
    expect(source.mostOpen).toBe(8);
    expect(clients.every(({ turnsToFirst }) => turnsToFirst !== null)).toBe(true);
  });

  test('ReaderSlots takes those of topics of which nobody wants more', async () => {
    const source = new EndlessSource();
    const slots = new ReaderSlots(3);
    const idle = poolOf(source, slots);
    for (let i = 0; i < 3; i++) new Client(idle, source, i * 100, i * 100 + 1);
    await pass(source, 50);
    const client = new Client(poolOf(source, slots), source, 5, 6);
    await pass(source, 100);
    expect(client.isDone).toBe(true);
  });

  test('ReaderSlots gives one on only once the read that held it has ended', async () => {
    const slots = new ReaderSlots(1);
    const [one, other] = [{ giveWay: jest.fn() }, { giveWay: jest.fn() }];
    expect([slots.take(one), slots.take(other)]).toEqual([true, false]);
    const freed = jest.fn();
    slots.await(freed);
    expect(one.giveWay).toHaveBeenCalledTimes(1);
    expect([slots.areAwaited, freed.mock.calls.length]).toEqual([true, 0]);
    slots.release(one);
    expect([slots.areAwaited, freed.mock.calls.length]).toEqual([false, 1]);
    expect(slots.take(other)).toBe(true);
  });
});
