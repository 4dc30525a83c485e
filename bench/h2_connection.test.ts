import { createServer } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { within } from '../test/support/deadline.ts';
import { H2Connection } from './h2_connection.mjs';

test('H2Connection reads many streams of a connection, whatever their paths and heads', async () => {
  const server = createServer((request, response) => {
    const { url, headers } = request;
    if (url === '/none') response.statusCode = 503;
    response.write(`${url} ${headers['last-event-id'] ?? ''}`);
    if (url === '/none') response.end();
  });
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address() as AddressInfo;
  const paths = ['/a', `/${'b'.repeat(300)}`, '/none'];
  const all = paths.map((path) => {
    let resolve = (): void => {};
    const came = new Promise<void>((done) => {
      resolve = done;
    });
    const seen = { isOk: false, text: '', isOver: false };
    return {
      path,
      headers: path === '/a' ? { 'last-event-id': 'x' } : {},
      seen,
      came,
      onHead: (isOk: boolean) => {
        seen.isOk = isOk;
      },
      onData: (bytes: Buffer) => {
        seen.text += bytes;
        if (path !== '/none') resolve();
      },
      onClose: () => {
        seen.isOver = true;
        resolve();
      },
    };
  });
  const connection = new H2Connection(connect(port, '127.0.0.1'), 'localhost', all);
  await within('all streams', Promise.all(all.map(({ came }) => came)));
  expect(all.map(({ seen }) => seen)).toEqual([
    { isOk: true, text: '/a x', isOver: false },
    { isOk: true, text: `${paths[1]} `, isOver: false },
    { isOk: false, text: '/none ', isOver: true },
  ]);
  connection.end();
  server.close();
});
