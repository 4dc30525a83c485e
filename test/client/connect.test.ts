import { describe, expect, test } from '@jest/globals';
import { ClientProcess, type Told } from '../support/client_process.ts';
import { eventually } from '../support/deadline.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { endedStream, ScriptedServer, status, stream } from '../support/scripted_server.ts';
import { shared } from '../support/shared.ts';

/** Streams that say this are come back to soon; the jitter comes on top. */
const SOON = 'retry:10\n\n';
const ONE = `${SOON}data:1\nid:a\n\n`;

function errorsOf(log: readonly Told[]): Told[] {
  return log.filter(({ type }) => type === 'error');
}

onEachRuntime((runtime) => {
  describe('connect()', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('tells of open and messages, with data, id and state', async () => {
      await using server = await ScriptedServer.start(stream('data:1\ndata:2\nid:a\n\n'));
      const connection = await client().connect(server.url);
      const log = await connection.until('a message', (all) => all.length === 2);
      expect(log).toEqual([
        { type: 'open' },
        {
          type: 'message',
          data: '1\n2',
          id: 'a',
          detail: expect.stringMatching(/^TypeError: .*json/),
        },
      ]);
      expect(await connection.state()).toMatchObject({
        url: server.url,
        readyState: 1,
        lastEventId: 'a',
      });
      expect(server.asked[0]!.accept).toBe('*/*');
      await connection.close();
      expect(await connection.state()).toMatchObject({ readyState: 2 });
    });

    test('tells whether the gateway hears of the topic, and moves no id by that', async () => {
      const stale = 'event:stale\ndata:{"since":1700000000000}\n\n';
      await using server = await ScriptedServer.start(
        endedStream(`${ONE}${stale}`),
        stream(`${SOON}event:fresh\ndata:{}\n\n`),
      );
      const connection = await client().connect(server.url);
      const log = await connection.until('fresh', (all) => all.at(-1)?.type === 'fresh');
      expect(log.filter(({ type }) => type === 'stale' || type === 'fresh')).toMatchObject([
        { type: 'stale', id: 'a', detail: { since: 1_700_000_000_000 } },
        { type: 'fresh', id: 'a', detail: {} },
      ]);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'a']);
      await connection.close();
    });

    test('takes a place for an id alone', async () => {
      const place = 'event:place\ndata:{}\nid:b\n\n';
      await using server = await ScriptedServer.start(
        endedStream(`${ONE}${place}`),
        stream('data:2\nid:c\n\n'),
      );
      const connection = await client().connect(server.url);
      await connection.untilCount('message', 2);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'b']);
      await connection.close();
    });

    test('comes back with the last id that was whole, and with none of a cut block', async () => {
      await using server = await ScriptedServer.start(
        endedStream(`${ONE}data:lost\nid:b\n`),
        endedStream('id:c\n\ndata:cut'),
        stream('data:2\nid:d\n\n'),
      );
      const connection = await client().connect(server.url);
      await connection.untilCount('message', 2);
      expect(await connection.messages()).toEqual(['1', '2']);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'a', 'c']);
      expect(errorsOf(await connection.log()).map(({ error }) => error)).toEqual([
        'The stream has ended',
        'The stream has ended',
      ]);
      await connection.close();
    });

    test('comes back after 408, 425, 429 and every 5xx, with the id it had', async () => {
      const codes = [408, 425, 429, 500, 502, 503, 504, 599];
      const comesBack = async (code: number): Promise<void> => {
        const later = { 'retry-after': '0' };
        await using server = await ScriptedServer.start(
          status(code, 'not now\n', later),
          stream(ONE),
        );
        const connection = await client().connect(server.url, { lastEventId: 'first' });
        const log = await connection.until('a message', (all) => all.at(-1)?.type === 'message');
        expect(log[0]).toMatchObject({
          type: 'error',
          status: code,
          error: `No stream of ${server.url}: ${code} not now`,
        });
        expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual(['first', 'first']);
        await connection.close();
      };
      await Promise.all(codes.map(comesBack));
    });

    test('gives up after other statuses, and says why', async () => {
      for (const code of [204, 400, 401, 403, 404, 410, 422]) {
        const words = code === 204 ? '' : 'the reason';
        await using server = await ScriptedServer.start(status(code, `${words}\n`));
        const connection = await client().connect(server.url);
        const log = await connection.until('an error', (all) => all.length > 0);
        const error = `No stream of ${server.url}: ${code} ${words}`;
        expect(log).toEqual([{ type: 'error', error, status: code, retryMs: null }]);
        expect(await connection.state()).toMatchObject({ readyState: 2 });
        await expect(connection.ask('take', { count: 1 })).rejects.toThrow(error);
      }
    });

    test('asks again, slowly, where a sign-in refuses: its cookie may be renewed', async () => {
      const slowly = async (code: number, atLeastMs: number): Promise<void> => {
        const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
        await using server = await ScriptedServer.start(status(code, 'no', challenge));
        const connection = await client().connect(server.url);
        const [error] = await connection.untilCount('error', 1);
        expect(error).toMatchObject({ status: code });
        expect(error!.retryMs).toBeGreaterThanOrEqual(atLeastMs);
        expect(await connection.state()).toMatchObject({ readyState: 0 });
        await connection.close();
      };
      await Promise.all([slowly(401, 5000), slowly(403, 30_000)]);
    });

    test('gives up where the answer is no event stream', async () => {
      await using server = await ScriptedServer.start(
        status(200, '<html>', { 'content-type': 'text/html' }),
      );
      const connection = await client().connect(server.url);
      const [error] = await connection.untilCount('error', 1);
      expect(error).toMatchObject({
        error: `No stream of ${server.url}: 200 it is text/html`,
        retryMs: null,
      });
    });

    test('waits as long as Retry-After says, in seconds or as a date, and longer', async () => {
      const date = new Date(Date.now() + 90_000).toUTCString();
      for (const [after, least, most] of [
        ['70', 70_000, 72_000],
        [date, 80_000, 92_000],
        ['999999999999', 3_600_000, 3_602_000],
        ['soon', 1000, 3000],
      ] as const) {
        await using server = await ScriptedServer.start(status(503, '', { 'retry-after': after }));
        const connection = await client().connect(server.url);
        const [error] = await connection.untilCount('error', 1);
        expect(error!.retryMs).toBeGreaterThanOrEqual(least);
        expect(error!.retryMs).toBeLessThanOrEqual(most);
        // What the server asked for is not cut short.
        await client().ask('sign', { sign: 'online' });
        expect(await connection.state()).toMatchObject({ readyState: 0 });
        await connection.close();
        expect(server.asked).toHaveLength(1);
      }
    });

    test('waits as long as retry: says, also where the stream has nothing else', async () => {
      await using server = await ScriptedServer.start(
        endedStream('retry:50000\n\n'),
        stream('data:1\nid:a\n\n'),
      );
      const connection = await client().connect(server.url);
      const [error] = await connection.untilCount('error', 1);
      expect(error!.retryMs).toBeGreaterThanOrEqual(50_000);
      expect(error!.retryMs).toBeLessThanOrEqual(52_000);
      // A loss of the network may be over.
      await client().ask('sign', { sign: 'online' });
      await connection.untilCount('message', 1);
      await connection.close();
    });

    test('backs off at random, exponentially up to 30 s, until a stream gives something', async () => {
      await using server = await ScriptedServer.start(endedStream(SOON));
      const connections = await Promise.all(
        Array.from({ length: 40 }, () => client().connect(server.url)),
      );
      // Each online event takes the place of a wait.
      const waits: number[][] = [];
      for (let round = 1; round <= 8; round++) {
        const errors = await Promise.all(
          connections.map((connection) => connection.untilCount('error', round)),
        );
        waits.push(errors.map((all) => all[round - 1]!.retryMs! - 10));
        await client().ask('sign', { sign: 'online' });
      }
      for (const [round, all] of waits.entries()) {
        const most = Math.min(30_000, 1000 * 2 ** (round + 1));
        expect(Math.max(...all)).toBeLessThanOrEqual(most);
        // By chance once in 10^12 runs.
        expect(Math.max(...all)).toBeGreaterThan(most / 2);
        expect(Math.min(...all)).toBeLessThan(most / 2);
      }
      await Promise.all(connections.map((connection) => connection.close()));
    });

    test('takes a connection for dead that gives no byte, and one that never answers', async () => {
      await using server = await ScriptedServer.start(
        stream(ONE),
        () => {},
        stream('data:2\nid:b\n\n'),
      );
      const connection = await client().connect(server.url, { maxSilenceMs: 300 });
      await connection.untilCount('message', 2);
      const errors = errorsOf(await connection.log());
      expect(errors.map(({ error }) => error)).toEqual(Array(2).fill('No byte came for 0.3 s'));
      await connection.close();
    });

    test('keeps a silent connection with maxSilenceMs 0', async () => {
      let write = (_: string): void => {};
      await using server = await ScriptedServer.start((response, request) => {
        stream(ONE)(response, request);
        write = (text) => response.write(text);
      });
      await using other = await ScriptedServer.start(stream(SOON));
      const connection = await client().connect(server.url, { maxSilenceMs: 0 });
      const watched = await client().connect(other.url, { maxSilenceMs: 300 });
      await connection.untilCount('message', 1);
      await watched.untilCount('error', 1);
      write('data:2\nid:b\n\n');
      await connection.untilCount('message', 2);
      expect(server.asked).toHaveLength(1);
      await connection.close();
      await watched.close();
    });

    test('keeps the last id in the store it is given, for the next one of that address', async () => {
      await using server = await ScriptedServer.start(
        stream(ONE, 'data:2\nid:b\n\n'),
        stream(SOON),
      );
      const first = await client().connect(server.url, { isStored: true });
      await first.untilCount('message', 2);
      await eventually('the id to be stored', async () => {
        const all = await client().ask<Record<string, string>>('stored');
        return all[`lastEventId of ${server.url}`] === 'b';
      });
      await first.close();
      const second = await client().connect(server.url, { isStored: true });
      await second.untilCount('open', 1);
      const other = await client().connect(`${server.url}?since=latest`, { isStored: true });
      await other.untilCount('open', 1);
      const given = await client().connect(server.url, { isStored: true, lastEventId: 'z' });
      await given.untilCount('open', 1);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([
        undefined,
        'b',
        undefined,
        'z',
      ]);
      for (const one of [second, other, given]) await one.close();
    });

    test('decodes deletes, leaves, gaps, live and records of format=json when asked for detail', async () => {
      const gap = {
        reason: 'retention',
        topic: 't',
        partitions: [{ partition: 0, from: 1, to: 2 }],
      };
      await using text = await ScriptedServer.start(
        stream(
          'event:delete\ndata:a8O2\nid:1\n\n',
          'event:delete\ndata:_-8=\nid:2\n\n',
          `event:gap\ndata:${JSON.stringify(gap)}\nid:3\n\n`,
          'event:leave\ndata:a8O2\nid:4\n\n',
        ),
      );
      const connection = await client().connect(text.url);
      const details = (await connection.until('all', (all) => all.length === 5)).map(
        ({ detail }) => detail,
      );
      expect(details.slice(1)).toEqual([
        { key: 'kö' },
        { key: { bytes: [255, 239] } },
        gap,
        { key: 'kö' },
      ]);
      await connection.close();

      await using json = await ScriptedServer.start(
        stream(
          'data:{"partition":0,"offset":5,"timestamp":7,"key":"1","value":"v","headers":[["a","b"],["c",null,"/w=="],["d",null]]}\nid:1\n\n',
          'data:{"partition":0,"offset":6,"timestamp":7,"keyBase64":"/+8=","valueBase64":"/w=="}\nid:2\n\n',
          'event:delete\ndata:{"partition":0,"offset":7,"timestamp":7,"key":"1","value":null}\nid:3\n\n',
          'event:live\ndata:{}\nid:3\n\n',
        ),
      );
      const other = await client().connect(`${json.url}?format=json`);
      const records = (await other.until('all', (all) => all.length === 5)).map(
        ({ detail }) => detail,
      );
      const place = { partition: 0, timestamp: 7 };
      expect(records.slice(1)).toEqual([
        {
          ...place,
          offset: 5,
          key: '1',
          value: 'v',
          headers: [
            ['a', 'b'],
            ['c', { bytes: [255] }],
            ['d', null],
          ],
        },
        { ...place, offset: 6, key: { bytes: [255, 239] }, value: { bytes: [255] }, headers: [] },
        { ...place, offset: 7, key: '1', value: null, headers: [] },
        {},
      ]);
      await other.close();
    });

    test('restart() comes back without an id', async () => {
      await using server = await ScriptedServer.start(stream(ONE), stream('data:2\nid:b\n\n'));
      const connection = await client().connect(server.url);
      await connection.untilCount('message', 1);
      await connection.ask('restart');
      await connection.untilCount('message', 2);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, undefined]);
      await connection.close();
    });

    test('is closed by its AbortSignal, while it waits, too', async () => {
      await using server = await ScriptedServer.start(status(503));
      const connection = await client().connect(server.url);
      await connection.untilCount('error', 1);
      await connection.ask('abort');
      expect(await connection.state()).toMatchObject({ readyState: 2 });
      await expect(connection.ask('take', { count: 1 })).rejects.toThrow('AbortError');
    });

    test('asks for a token at each connect, and comes back as expired and unauthorized say', async () => {
      await using server = await ScriptedServer.start(
        endedStream(`${ONE}event:expired\ndata:{}\nid:b\n\n`),
        endedStream('retry:50000\n\nevent:unauthorized\ndata:{"reason":"invalid"}\n\n'),
        stream(`${SOON}data:2\nid:c\n\n`),
      );
      const connection = await client().connect(server.url, { tokens: ['one', 'two', ''] });
      const log = await connection.until('unauthorized', (all) => errorsOf(all).length === 2);
      expect(log.filter(({ type }) => type === 'expired' || type === 'unauthorized')).toMatchObject(
        [
          { type: 'expired', id: 'b', detail: {} },
          { type: 'unauthorized', id: 'b', detail: { reason: 'invalid' } },
        ],
      );
      const [expired, refused] = errorsOf(log).map(({ retryMs }) => retryMs);
      expect(expired).toBeLessThanOrEqual(1010);
      expect(refused).toBeGreaterThanOrEqual(50_000);
      await client().ask('sign', { sign: 'online' });
      await connection.untilCount('message', 2);
      expect(
        server.asked.map(({ authorization, accept, lastEventId }) => [
          authorization,
          accept,
          lastEventId,
        ]),
      ).toEqual([
        ['Bearer one', 'text/event-stream', undefined],
        ['Bearer two', 'text/event-stream', 'b'],
        [undefined, 'text/event-stream', 'b'],
      ]);
      await connection.close();
    });

    test('takes a token that ends without a record before it for no failure', async () => {
      const expired = endedStream(`${SOON}event:expired\ndata:{}\nid:a\n\n`);
      await using server = await ScriptedServer.start(...Array(4).fill(expired), stream(ONE));
      const connection = await client().connect(server.url, { tokens: Array(5).fill('one') });
      const waits = (await connection.untilCount('error', 4)).map(({ retryMs }) => retryMs);
      expect(Math.max(...(waits as number[]))).toBeLessThanOrEqual(1010);
      await connection.close();
    });

    test('tells why there is no token, and asks for one again', async () => {
      await using server = await ScriptedServer.start(stream(ONE));
      const connection = await client().connect(server.url, { tokens: [] });
      const [error] = await connection.untilCount('error', 2);
      expect(error).toMatchObject({ error: 'no token', retryMs: expect.any(Number) });
      expect(server.asked).toEqual([]);
      await connection.close();
    });

    test('throws for what is not a URL', async () => {
      await expect(client().connect('http://')).rejects.toThrow('TypeError');
    });
  });
});
