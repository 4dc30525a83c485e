import cluster, { type Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parseConfig } from '../../app/config/config.ts';
import type { PrimaryMessage, WorkerMessage } from './messages.ts';
import { WorkerPool } from './worker_pool.ts';

/** A worker's process, as the primary sees it. */
class FakeWorker extends EventEmitter {
  readonly got: PrimaryMessage[] = [];
  readonly signals: string[] = [];
  readonly process = { pid: 1, kill: (signal: string) => this.signals.push(signal) };

  isConnected(): boolean {
    return true;
  }

  send(message: PrimaryMessage): void {
    this.got.push(message);
  }

  says(message: WorkerMessage): void {
    this.emit('message', message);
  }

  exits(code: number): void {
    this.emit('exit', code, null);
  }
}

const READY = { missing: [], brokers: { up: true, error: null } };
const ADDRESS = '192.0.2.1';

let workers: FakeWorker[];

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  workers = [];
  jest.spyOn(cluster, 'fork').mockImplementation(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as unknown as Worker;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function newPool(env: Readonly<Record<string, string>> = {}): WorkerPool {
  return new WorkerPool(parseConfig({ KAFKA_BROKERS: 'kafka:9092', ...env }), 2, null);
}

/** A pool whose workers listen and are ready. */
async function startedPool(env: Readonly<Record<string, string>> = {}): Promise<WorkerPool> {
  const pool = newPool(env);
  const started = pool.start();
  for (const worker of workers) {
    worker.says({ kind: 'listening', urls: ['http://localhost:8080'] });
    worker.says({ kind: 'health', health: READY });
  }
  await started;
  return pool;
}

describe('WorkerPool', () => {
  test('WorkerPool.start() settles once all listen, and it is ready once all were', async () => {
    const pool = newPool();
    const started = pool.start();
    expect(workers).toHaveLength(2);
    workers[0]!.says({ kind: 'listening', urls: ['http://localhost:8080'] });
    workers[0]!.says({ kind: 'health', health: READY });
    expect(pool.health).toEqual({
      missing: ['a worker starts'],
      brokers: { up: false, error: null },
    });
    workers[1]!.says({ kind: 'health', health: READY });
    workers[1]!.says({ kind: 'listening', urls: ['http://localhost:8080'] });
    expect(await started).toEqual(['http://localhost:8080']);
    expect(pool.health).toEqual(READY);
  });

  test('WorkerPool gives up where a worker cannot start, and ends the others', async () => {
    const pool = newPool();
    const started = pool.start();
    const ended = expect(pool.ended).rejects.toMatchObject({ code: 'WORKER', message: 'in use' });
    workers[0]!.says({ kind: 'failed', message: 'in use' });
    expect(await started).toBeNull();
    await ended;
    expect(workers[1]!.signals).toEqual(['SIGKILL']);
  });

  test('WorkerPool takes back the slots of a worker that has died, and starts another', async () => {
    const pool = await startedPool({ MAX_CONNECTIONS: '1' });
    const [first, second] = workers as [FakeWorker, FakeWorker];
    first.says({ kind: 'take', number: 1, address: ADDRESS });
    second.says({ kind: 'take', number: 2, address: ADDRESS });
    expect(first.got).toEqual([{ kind: 'taken', number: 1, refusal: null }]);
    expect(second.got).toEqual([{ kind: 'taken', number: 2, refusal: 'max_connections' }]);
    first.exits(1);
    jest.advanceTimersByTime(0);
    expect(workers).toHaveLength(3);
    expect(pool.health.missing).toEqual([]);
    second.says({ kind: 'take', number: 3, address: ADDRESS });
    expect(second.got.at(-1)).toEqual({ kind: 'taken', number: 3, refusal: null });
    second.says({ kind: 'release', address: ADDRESS });
    second.says({ kind: 'release', address: ADDRESS });
    second.says({ kind: 'take', number: 4, address: ADDRESS });
    second.says({ kind: 'take', number: 5, address: ADDRESS });
    expect(second.got.at(-1)).toEqual({ kind: 'taken', number: 5, refusal: 'max_connections' });
  });

  test('WorkerPool starts workers a second apart where three end at once', async () => {
    await startedPool();
    for (let n = 1; n <= 2; n++) {
      workers.at(-1)!.exits(1);
      jest.advanceTimersByTime(0);
      expect(workers).toHaveLength(2 + n);
    }
    workers.at(-1)!.exits(1);
    jest.advanceTimersByTime(999);
    expect(workers).toHaveLength(4);
    jest.advanceTimersByTime(1);
    expect(workers).toHaveLength(5);
  });

  test('WorkerPool kills a worker that hangs', async () => {
    await startedPool();
    jest.advanceTimersByTime(25_000);
    workers[0]!.says({ kind: 'health', health: READY });
    jest.advanceTimersByTime(20_000);
    expect(workers.map(({ signals }) => signals)).toEqual([
      [],
      expect.arrayContaining(['SIGKILL']),
    ]);
  });

  test('WorkerPool.drain() ends with its workers, and kills those that take too long', async () => {
    const pool = await startedPool({ DRAIN_SECONDS: '5' });
    const [first, second] = workers as [FakeWorker, FakeWorker];
    pool.drain();
    expect([first.got, second.got]).toEqual([[{ kind: 'drain' }], [{ kind: 'drain' }]]);
    expect(pool.health.missing).toEqual(['this gateway is about to end']);
    first.says({ kind: 'ended' });
    expect(first.signals).toEqual(['SIGKILL']);
    first.exits(0);
    jest.advanceTimersByTime(15_000);
    expect(second.signals).toEqual(['SIGKILL']);
    second.exits(0);
    await pool.ended;
    expect(workers).toHaveLength(2);
  });
});
