import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import type { Tables } from '../../public/client/client.js';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { ClientProcess, type RemoteClient } from '../support/client_process.ts';
import { eventually } from '../support/deadline.ts';
import { run } from '../support/program.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { endedStream, ScriptedServer, status, stream } from '../support/scripted_server.ts';
import { shared } from '../support/shared.ts';

const MODEL = join(CLONE, 'test', 'client', 'table_model.mjs');
const MODEL_RUNS = '5000';

/** A record's block, as `format=json` has it. */
function block(offset: number, key: unknown, value: unknown, partition = 0): string {
  const name = key instanceof Uint8Array ? 'keyBase64' : 'key';
  const text = key instanceof Uint8Array ? Buffer.from(key).toString('base64') : key;
  const data = JSON.stringify({ partition, offset, timestamp: offset, [name]: text, value });
  return `${value === null ? 'event:delete\n' : ''}data:${data}\nid:${offset}\n\n`;
}

function gap(reason: string): string {
  return `event:gap\ndata:${JSON.stringify({ reason, topic: 'events', partitions: [] })}\nid:9\n\n`;
}

const LIVE = 'event:live\ndata:{}\nid:9\n\n';
const SOON = 'retry:10\n\n';

async function untilEntries(rows: RemoteClient, expected: unknown[]): Promise<void> {
  let seen: unknown = null;
  await eventually(
    () => `the rows ${JSON.stringify(expected)}; there are ${JSON.stringify(seen)}`,
    async () => {
      seen = (await rows.state()).entries;
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
}

describe('Table', () => {
  test('Table asks how long deletes are kept as whoever its stream is asked for as', async () => {
    const path = '../../public/client/client_table.js';
    const { Table } = await import(path);
    const asked: [string, RequestInit][] = [];
    const connection = Object.assign(new EventTarget(), {
      url: 'https://gateway.example/orders?format=json',
      lastEventId: '',
      withCredentials: true,
      status: 'connecting',
    });
    new Table('https://gateway.example/orders', {
      connect: (_: string, { token }: { token(): Promise<string> }) => {
        void token().then(() => connection.dispatchEvent(new Event('open')));
        return connection;
      },
      token: async () => 'a.b.c',
      fetch: async (url: string, init: RequestInit) => {
        asked.push([url, init]);
        return { ok: true, json: async () => ({ topics: [] }) };
      },
    });
    await eventually('the question', async () => asked.length > 0);
    const init = { headers: { Authorization: 'Bearer a.b.c' }, credentials: 'include' };
    expect(asked).toEqual([['https://gateway.example/-/topics', init]]);
  });

  test('table() of several topics is a table a topic, of one stream; one starts over by itself, or all', async () => {
    const { table } = (await import('../../public/client/client.js')) as {
      table(urls: readonly string[], options: object): Tables;
    };
    const asked: unknown[] = [];
    const restarts: number[] = [];
    const stream = Object.assign(new EventTarget(), {
      lastEventId: '',
      status: 'live',
      restart: () => restarts.push(restarts.length),
      close: () => {
        stream.status = 'closed';
        stream.dispatchEvent(new Event('statuschange'));
      },
    });
    const tell = (type: string, detail: object = {}): void => {
      stream.dispatchEvent(Object.assign(new Event(type), { detail }));
    };
    const put = (topic: string, value: number, offset: number): void =>
      tell('message', { topic, partition: 0, offset, timestamp: offset, key: 'k', value });
    const tables = table(
      ['/prices?x=1', '/orders'].map((path) => `https://gateway.example${path}`),
      {
        connect: (urls: readonly string[]) => {
          asked.push(urls);
          return stream;
        },
        fetch: async () => ({ ok: true, json: async () => ({ topics: [] }) }),
        where: 'value > 0',
      },
    );
    expect(asked).toHaveLength(1);
    const [prices, orders] = [tables.get('prices')!, tables.get('orders')!];
    tell('open');
    put('prices', 1, 0);
    put('orders', 2, 0);
    tell('live');
    await tables.whole;
    expect([[...tables.keys()], prices.get('k'), orders.get('k')]).toEqual([
      ['prices', 'orders'],
      1,
      2,
    ]);
    stream.lastEventId = 'x';
    tell('gap', { topic: 'prices', reason: 'recreated', partitions: [] });
    put('orders', 3, 1);
    expect([prices.isWhole, prices.get('k'), orders.isWhole, orders.get('k')]).toEqual([
      false,
      1,
      true,
      3,
    ]);
    tell('live');
    expect([prices.isWhole, prices.size, orders.get('k')]).toEqual([true, 0, 3]);
    // What was lost of one is read again from the beginning, and with it the other.
    tell('gap', { topic: 'orders', reason: 'retention', partitions: [] });
    stream.lastEventId = '';
    tell('open');
    put('prices', 4, 2);
    expect([restarts.length, prices.isWhole, prices.size]).toEqual([1, false, 0]);
    tell('live');
    expect([prices.get('k'), orders.size]).toEqual([4, 0]);
    tables.close();
    expect(orders.status).toBe('closed');
  });
});

onEachRuntime((runtime) => {
  describe('table()', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('shows what the topic has, whatever happened in whatever order', async () => {
      const deno = join(CLONE, 'node_modules', '.bin', 'deno');
      const command =
        runtime.name === 'Deno'
          ? ([deno, 'run', '--quiet', '--allow-read', MODEL, MODEL_RUNS] as const)
          : ([process.execPath, MODEL, MODEL_RUNS] as const);
      const { code, stderr } = await run(command, { cwd: CLONE });
      expect([code, stderr]).toEqual([0, '']);
    });

    test('is empty until it is whole, then changes in place', async () => {
      let write = (_: string): void => {};
      await using server = await ScriptedServer.start((response, request) => {
        stream(SOON, block(0, 'a', '1'), block(1, 'b', '2'))(response, request);
        write = (text) => response.write(text);
      });
      const rows = await client().table(server.url);
      await rows.untilCount('message', 2);
      expect(await rows.state()).toMatchObject({ isWhole: false, size: 0, entries: [] });
      write(LIVE);
      expect(await rows.ask('whole')).toBe('whole');
      const entries = [
        ['a', '1'],
        ['b', '2'],
      ];
      expect(await rows.state()).toMatchObject({ isWhole: true, size: 2, entries });
      const leave =
        'event:leave\ndata:{"partition":0,"offset":5,"timestamp":5,"key":"b"}\nid:5\n\n';
      write(block(2, 'a', null) + block(3, 'c', '3') + block(4, 'c', '4') + leave);
      await untilEntries(rows, [['c', '4']]);
      const changes = (await rows.log()).filter(({ type }) => type === 'change');
      expect(changes.map(({ keys }) => keys)).toEqual([
        ['a', 'b'],
        ['a', 'c', 'b'],
      ]);
      expect(server.asked[0]!.url).toBe('/events?format=json');
      await rows.close();
    });

    test('stays as it was after a gap until all of it can be changed at once', async () => {
      const old = [
        ['a', '1'],
        ['b', '2'],
      ];
      for (const reason of ['recreated', 'retention', 'truncated', 'unreadable-cursor']) {
        let write = (_: string): void => {};
        const open = stream(SOON, block(0, 'a', '1'), block(1, 'b', '2'), LIVE);
        await using server = await ScriptedServer.start(
          (response, request) => {
            open(response, request);
            write = (text) => response.write(text);
          },
          (response, request) => {
            stream(SOON)(response, request);
            write = (text) => response.write(text);
          },
        );
        const rows = await client().table(server.url);
        await rows.untilCount('whole', 1);
        write(gap(reason));
        await rows.untilCount('gap', 1);
        const comesAnew = reason === 'retention' || reason === 'truncated';
        if (comesAnew) await rows.untilCount('open', 2);
        write(block(0, 'c', '3'));
        await rows.untilCount('message', 3);
        expect(await rows.state()).toMatchObject({ isWhole: false, entries: old });
        write(LIVE);
        await untilEntries(rows, [['c', '3']]);
        expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual(
          comesAnew ? [undefined, undefined] : [undefined],
        );
        await rows.close();
      }
    });

    test('has no row of what has left its filter, and stays whole over what cannot be read', async () => {
      const left = 'event:leave\ndata:{"partition":0,"offset":3,"timestamp":3,"key":"a"}\nid:3\n\n';
      await using server = await ScriptedServer.start(
        stream(SOON, block(0, 'a', '1'), block(1, 'b', '2'), LIVE, left, gap('unread')),
      );
      const rows = await client().table(server.url);
      await rows.untilCount('gap', 1);
      expect(await rows.state()).toMatchObject({ isWhole: true, entries: [['b', '2']] });
      await rows.close();
    });

    test('is not read again because its stream was cut, whatever its path', async () => {
      await using server = await ScriptedServer.start(
        endedStream(SOON, block(0, 'a', '1'), LIVE),
        stream(SOON, block(1, 'b', '2'), LIVE),
      );
      const rows = await client().table(server.url.replace('/events', '/my/events'));
      await untilEntries(rows, [
        ['a', '1'],
        ['b', '2'],
      ]);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '9']);
      await rows.close();
    });

    test('has keys that are bytes, and leaves records without a key out', async () => {
      const bytes = Uint8Array.of(255, 1);
      await using server = await ScriptedServer.start(
        stream(
          block(0, bytes, '1'),
          block(1, '255,1', '2'),
          block(2, bytes, '3'),
          block(3, null, '4'),
          LIVE,
        ),
      );
      const rows = await client().table(server.url);
      await untilEntries(rows, [
        [{ bytes: [255, 1] }, '3'],
        ['255,1', '2'],
      ]);
      await rows.close();
    });

    test('rejects whole where its stream is refused for good, or it is closed', async () => {
      await using server = await ScriptedServer.start(status(404, 'no such topic'));
      const refused = await client().table(server.url);
      await expect(refused.ask('whole')).rejects.toThrow('404 no such topic');
      await using silent = await ScriptedServer.start(stream(SOON));
      const aborted = await client().table(silent.url);
      await aborted.untilCount('open', 1);
      await aborted.ask('abort');
      await expect(aborted.ask('whole')).rejects.toThrow('AbortError');
      const closed = await client().table(silent.url);
      await closed.ask('closeTable');
      await expect(closed.ask('whole')).rejects.toThrow('AbortError: The table was closed');
    });
  });
});
