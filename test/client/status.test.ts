import { describe, expect, test } from '@jest/globals';
import { ClientProcess, type RemoteClient } from '../support/client_process.ts';
import { eventually } from '../support/deadline.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { endedStream, ScriptedServer, status, stream } from '../support/scripted_server.ts';
import { shared } from '../support/shared.ts';

const SOON = 'retry:10\n\n';
const LIVE = 'event:live\ndata:{}\nid:1\n\n';
const gap = (reason: string) =>
  `event:gap\ndata:${JSON.stringify({ reason, topic: 'events', partitions: [] })}\nid:2\n\n`;
const record = (id: number) =>
  `data:{"partition":0,"offset":${id},"key":"a","value":"[${id}]"}\nid:${id}\n\n`;

async function untilStatuses(client: RemoteClient, expected: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  await eventually(
    () => `the statuses ${expected}; there were ${seen}`,
    async () => {
      seen = (await client.state()).statuses;
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
}

onEachRuntime((runtime) => {
  describe('status', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test.each(['connect', 'table'] as const)('says how things are with %s()', async (open) => {
      let write = (_: string): void => {};
      let end = (): void => {};
      const opens = stream(SOON);
      await using server = await ScriptedServer.start((response, request) => {
        opens(response, request);
        write = (text) => response.write(text);
        end = () => response.end();
      });
      const connection = await client()[open](server.url, { format: 'json' });
      const expected: string[] = [];
      const then = async (status: string): Promise<void> => {
        expected.push(status);
        await untilStatuses(connection, expected);
      };
      await then('replaying');
      write(LIVE);
      await then('live');
      write('event:stale\ndata:{"since":5}\n\n');
      await then('stale');
      write('event:fresh\ndata:{}\n\n');
      await then('live');
      write(gap('deletes'));
      await then('replaying');
      write(`${record(1)}${LIVE}`);
      await then('live');
      write(gap('unread'));
      end();
      await then('retrying');
      await then('replaying');
      await connection.close();
      await then('closed');
    });

    test('is live without JSON as soon as a byte has come, and closed where it is refused', async () => {
      await using server = await ScriptedServer.start(endedStream(SOON), status(404));
      const connection = await client().connect(server.url);
      await untilStatuses(connection, ['live', 'retrying', 'closed']);
    });

    test('is unauthorized for as long as no stream is given', async () => {
      const refused = endedStream(`${SOON}event:unauthorized\ndata:{"reason":"missing"}\n\n`);
      const challenge = { 'www-authenticate': 'Bearer', 'retry-after': '0' };
      await using server = await ScriptedServer.start(
        status(401, '', challenge),
        refused,
        stream(SOON),
      );
      const connection = await client().connect(server.url, { tokens: ['', '', ''] });
      await untilStatuses(connection, ['unauthorized', 'live']);
      await connection.close();
    });

    test('is polling where three streams had no byte, until the network changes', async () => {
      const polls = [record(1), record(2)];
      await using server = await ScriptedServer.start(
        endedStream(),
        endedStream(),
        endedStream(),
        (response, request) => {
          if (!request.url!.includes('wait=')) stream(SOON, record(4), LIVE)(response, request);
          else endedStream(`${SOON}${polls.shift() ?? ''}${LIVE}`)(response, request);
        },
      );
      const connection = await client().connect(server.url, { format: 'json' });
      for (const count of [1, 2, 3]) {
        await connection.untilCount('error', count);
        await client().ask('sign', { sign: 'resume' });
      }
      await connection.untilCount('live', 3);
      await client().ask('sign', { sign: 'online' });
      await connection.untilCount('message', 3);
      const asked = server.asked.map(({ url, lastEventId }) => [url.split('?')[1], lastEventId]);
      expect(asked.slice(0, 5)).toEqual([
        ...Array(3).fill(['format=json', undefined]),
        ['format=json&wait=15', undefined],
        ['format=json&wait=15', '1'],
      ]);
      expect(asked.at(-1)).toEqual(['format=json', '1']);
      expect(await connection.untilCount('error', 3)).toHaveLength(3);
      const { statuses } = await connection.state();
      // What comes in one piece is not `replaying` before.
      expect(statuses.filter((one) => one !== 'replaying')).toEqual([
        'retrying',
        'polling',
        'live',
      ]);
      await connection.close();
    });
  });

  describe('the options', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('ask for what stands in the query', async () => {
      await using server = await ScriptedServer.start(stream(SOON, record(1)));
      const options = {
        since: -100,
        key: ['a', 'b c'],
        where: 'value > 1',
        every: 500,
        parses: true,
      };
      const connection = await client().connect(`${server.url}?key=old&every=1`, options);
      const [message] = await connection.untilCount('message', 1);
      expect(message).toMatchObject({ detail: { key: 'a', value: [1] } });
      const { searchParams } = new URL(server.asked[0]!.url, server.url);
      expect([...searchParams].sort()).toEqual([
        ['every', '500'],
        ['format', 'json'],
        ['key', 'a'],
        ['key', 'b c'],
        ['since', '-100'],
        ['where', 'value > 1'],
      ]);
      await connection.close();
    });

    test('parse leaves a value that it cannot read as it came, and says why', async () => {
      const record = (members: string): string =>
        `data:{"partition":0,"offset":1,"key":"a","value":"{"${members}}\nid:1\n\n`;
      const blocks = [record(''), record(',"error":"unknown schema 7"')];
      await using server = await ScriptedServer.start(stream(SOON, ...blocks));
      const connection = await client().connect(server.url, { parses: true });
      const [ours, gateways] = await connection.untilCount('message', 2);
      expect(ours).toMatchObject({
        detail: { value: '{', error: expect.stringMatching(/^SyntaxError/) },
      });
      expect(gateways).toMatchObject({ detail: { value: '{', error: 'unknown schema 7' } });
      await connection.close();
    });
  });

  describe('a device', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('that wakes finds a stream dead that was silent for more than 20 s, at once', async () => {
      await using server = await ScriptedServer.start(
        stream(`${SOON}data:1\nid:a\n\n`),
        stream(`${SOON}data:2\nid:b\n\n`),
      );
      const connection = await client().connect(server.url);
      await connection.untilCount('message', 1);
      await client().ask('sleep', { ms: 10_000 });
      for (const sign of ['pageshow', 'resume', 'online']) await client().ask('sign', { sign });
      await client().ask('sleep', { ms: 15_000 });
      await client().ask('look', { isHidden: true });
      expect(server.asked).toHaveLength(1);
      await client().ask('look', { isHidden: false });
      await connection.untilCount('message', 2);
      expect(await connection.untilCount('error', 1)).toMatchObject([
        { error: 'No byte came for 20 s', retryMs: 0 },
      ]);
      expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'a']);
      await connection.close();
    });

    test('that hides the page has no stream with whileHidden, and goes on where it was', async () => {
      let isOpen = true;
      await using server = await ScriptedServer.start((response, request) => {
        stream(`${SOON}data:1\nid:a\n\n`)(response, request);
        response.on('close', () => {
          isOpen = false;
        });
      }, stream('data:2\nid:b\n\n'));
      const connection = await client().connect(server.url, { whileHidden: 'close' });
      await connection.untilCount('message', 1);
      await client().ask('look', { isHidden: true });
      await eventually('the stream to end', async () => !isOpen);
      await client().ask('sign', { sign: 'online' });
      expect((await connection.state()).statuses).toEqual(['live', 'retrying']);
      expect(server.asked).toHaveLength(1);
      await client().ask('look', { isHidden: false });
      await connection.untilCount('message', 2);
      expect(server.asked[1]!.lastEventId).toBe('a');
      expect((await connection.log()).filter(({ type }) => type === 'error')).toEqual([]);
      await connection.close();
    });
  });
});
