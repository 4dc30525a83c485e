import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { PortWatch } from './port_watch.ts';

const [CHECK_MS, DEADLINE_MS] = [10, 100];
/** For one that answers, however seldom this process has a turn. */
const LONG_DEADLINE_MS = 60_000;
const opened: (() => unknown)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A watch of one port. */
function watch(port: number, reopen = (): void => {}, deadlineMs = DEADLINE_MS): PortWatch {
  const ports = [{ setting: 'HTTP_PORT', host: '127.0.0.1', port, reopen }];
  const made = new PortWatch(ports, CHECK_MS, deadlineMs);
  opened.push(() => made.close());
  return made;
}

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const port = await freePort();
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  opened.push(() => server.close());
  return port;
}

describe('PortWatch', () => {
  test.each([
    ['answers', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['lets nobody in', (socket: Socket) => socket.resetAndDestroy()],
  ])('takes a port that %s for one that lives', async (_, onConnection) => {
    let asked = 0;
    const port = await serve((socket) => {
      asked++;
      onConnection(socket);
    });
    const { silent } = watch(port, () => {}, LONG_DEADLINE_MS);
    await eventually('three questions', async () => asked >= 3);
    expect(silent).toEqual([]);
  });

  test('names a port that says nothing, until it answers again', async () => {
    let isSilent = true;
    let reopened = 0;
    const port = await serve((socket) => {
      if (!isSilent) socket.end('it');
    });
    const ports = watch(port, () => {
      reopened++;
    });
    await eventually('a fault', async () => ports.silent.length > 0);
    expect(ports.silent).toEqual([`HTTP_PORT ${port} does not answer`]);
    await eventually('an attempt to mend it', async () => reopened > 0);
    isSilent = false;
    await eventually('an answer', async () => ports.silent.length === 0);
  });

  test('takes a port for one that lives which takes others, and has no time for it yet', async () => {
    let [asked, taken] = [0, 0];
    const port = await serve(() => {
      asked++;
    });
    const ports = [{ setting: 'HTTP_PORT', host: '127.0.0.1', port, taken: () => taken++ }];
    const watched = new PortWatch(ports, CHECK_MS, DEADLINE_MS);
    opened.push(() => watched.close());
    await eventually('three questions', async () => asked >= 3);
    expect(watched.silent).toEqual([]);
  });

  test('names a port that nobody listens on', async () => {
    const ports = watch(await freePort());
    await eventually('a fault', async () => ports.silent.length > 0);
  });
});
