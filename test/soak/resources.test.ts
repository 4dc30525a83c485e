import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import process from 'node:process';
import { expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { openConnections, ProcessSeries } from './resources.ts';

test('ProcessSeries takes memory and open files of a process, and nothing of one that ended', async () => {
  const [own, ended] = [new ProcessSeries('own', process.pid), new ProcessSeries('ended', 2 ** 30)];
  await own.sample(3);
  await ended.sample(3);
  expect(own.memory).toEqual([{ at: 3, value: expect.any(Number) }]);
  // Node takes more than 20 MB, and less than 4 GB in a test.
  expect(own.memory[0]!.value).toBeGreaterThan(20);
  expect(own.memory[0]!.value).toBeLessThan(4096);
  expect(own.files[0]!.value).toBeGreaterThan(3);
  expect(ended.memory).toEqual([]);
});

test('openConnections() counts what a server holds, until it lets it go', async () => {
  const server = createServer((socket) => socket.on('end', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await openConnections([port])).toBe(0);
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(clients.map((client) => once(client, 'connect')));
  await eventually('two connections', async () => (await openConnections([port])) === 2);
  expect(await openConnections([port + 1])).toBe(0);
  for (const client of clients) client.destroy();
  await eventually('no connection', async () => (await openConnections([port])) === 0);
  await new Promise((closed) => server.close(closed));
});
