import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { AskedSlots } from './asked_slots.ts';
import type { WorkerMessage } from './messages.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('AskedSlots answers what the primary process says of each', async () => {
  const sent: WorkerMessage[] = [];
  const slots = new AskedSlots((message) => sent.push(message));
  const answers = ['192.0.2.1', '192.0.2.2'].map((address) => slots.take(address));
  expect(sent).toEqual([
    { kind: 'take', number: 0, address: '192.0.2.1' },
    { kind: 'take', number: 1, address: '192.0.2.2' },
  ]);
  slots.taken(1, null);
  slots.taken(0, 'max_connections_per_ip');
  expect(await Promise.all(answers)).toEqual(['max_connections_per_ip', null]);
  slots.release('192.0.2.2');
  expect(sent.slice(2)).toEqual([{ kind: 'release', address: '192.0.2.2' }]);
});

test('AskedSlots refuses after 5 s, and gives back what is granted too late', async () => {
  const sent: WorkerMessage[] = [];
  const slots = new AskedSlots((message) => sent.push(message));
  const answers = [slots.take('192.0.2.1'), slots.take('192.0.2.2')];
  jest.advanceTimersByTime(5000);
  expect(await Promise.all(answers)).toEqual(['max_connections', 'max_connections']);
  slots.taken(0, null);
  slots.taken(1, 'max_connections');
  slots.taken(0, null);
  expect(sent.slice(2)).toEqual([{ kind: 'release', address: '192.0.2.1' }]);
});
