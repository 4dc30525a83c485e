import type { Worker } from 'node:cluster';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { PrimaryMessage } from './messages.ts';
import { WorkerClients } from './worker_clients.ts';

const ALL = { topic: null, sub: null, behind: 0 };

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function clientsOf(...workers: Worker[]) {
  const asked: PrimaryMessage[] = [];
  const clients = new WorkerClients((message) => {
    asked.push(message);
    return workers;
  });
  const list = async (): Promise<string> => {
    let text = '';
    for await (const lines of clients.list(ALL)) text += lines;
    return text;
  };
  return { clients, asked, list };
}

const one = { id: 1 } as Worker;
const other = { id: 2 } as Worker;

test('WorkerClients.list() gives the lines of all, whichever way they come', async () => {
  const { clients, asked, list } = clientsOf(one, other);
  const [first, second] = [list(), list()];
  expect(asked).toEqual([
    { kind: 'list clients', filter: ALL, number: 1 },
    { kind: 'list clients', filter: ALL, number: 2 },
  ]);
  clients.told(2, 'x\n');
  clients.told(1, 'a\n');
  clients.told(1, 'b\n');
  clients.toldAll(one, 1, 0);
  clients.told(1, 'c\n');
  clients.toldAll(other, 1, 0);
  expect(await first).toBe('a\nb\nc\n');
  clients.toldAll(one, 2, 0);
  clients.ended(other);
  expect(await second).toBe('x\n');
  clients.told(1, 'late\n');
});

test('WorkerClients.end() adds up how many each has ended; without workers there are none', async () => {
  const { clients, asked } = clientsOf(one, other);
  const ended = clients.end({ sub: 'anna' });
  expect(asked).toEqual([{ kind: 'end clients', choice: { sub: 'anna' }, number: 1 }]);
  clients.toldAll(one, 1, 2);
  clients.toldAll(other, 1, 3);
  expect(await ended).toBe(5);
  expect(await clientsOf().clients.end({ sub: 'anna' })).toBe(0);
});

test('WorkerClients fails where one does not answer in 5 s', async () => {
  const { clients } = clientsOf(one, other);
  const ended = clients.end({ sub: 'anna' });
  clients.toldAll(one, 1, 2);
  jest.advanceTimersByTime(5000);
  await expect(ended).rejects.toThrow('a worker does not answer');
});
