import { describe, expect, test } from '@jest/globals';
import { ClientProcess, type Told } from '../support/client_process.ts';
import { eventually } from '../support/deadline.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { endedStream, ScriptedServer, stream } from '../support/scripted_server.ts';
import { shared } from '../support/shared.ts';

onEachRuntime((runtime) => {
  describe('the iterator of a connection', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('has an event for had when the next one is asked for, and reads no further', async () => {
      const blocks = Array.from({ length: 100 }, (_, n) => `data:${n}\nid:${n}\n\n`);
      let write = (): void => {};
      await using server = await ScriptedServer.start((response, request) => {
        stream()(response, request);
        write = () => void response.write(blocks.join(''));
      });
      const connection = await client().connect(server.url, { isStored: true });
      await connection.untilCount('open', 1);
      const taken = connection.ask('take', { count: 3 });
      // It answers in turn.
      await connection.state();
      write();
      expect(await taken).toMatchObject(
        ['0', '1', '2'].map((data) => ({ type: 'message', data, id: data })),
      );
      expect((await connection.state()).lastEventId).toBe('1');
      const stored = await client().ask<Record<string, string>>('stored');
      expect(stored[`lastEventId of ${server.url}`]).toBe('1');
      // Nothing comes to listeners, either: it is not read.
      expect(await connection.messages()).toHaveLength(3);
      await connection.ask('leave');
      expect(await connection.state()).toMatchObject({ readyState: 2, lastEventId: '2' });
    });

    test('stops the server while its consumer is behind, and loses nothing', async () => {
      const COUNT = 3000;
      const block = (n: number): string => `data:${n} ${'x'.repeat(10_000)}\nid:${n}\n\n`;
      let written = 0;
      await using server = await ScriptedServer.start((response, request) => {
        stream()(response, request);
        const fill = (): void => {
          while (written < COUNT) if (!response.write(block(written++))) break;
        };
        response.on('drain', fill);
        fill();
      });
      const connection = await client().connect(server.url);
      await connection.ask('take', { count: 1 });
      let before = -1;
      await eventually('the server to be stopped', async () => {
        const isStill = written === before;
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return isStill;
      });
      expect(written).toBeLessThan(COUNT);
      const rest = await connection.ask<Told[]>('take', { count: COUNT - 1 });
      expect(rest.map(({ id }) => Number(id))).toEqual(
        Array.from({ length: COUNT - 1 }, (_, n) => n + 1),
      );
      await connection.close();
    });

    test('goes on over a cut, and ends when it is closed', async () => {
      await using server = await ScriptedServer.start(
        endedStream('retry:10\n\ndata:1\nid:a\n\n'),
        stream('data:2\nid:b\n\n'),
      );
      const connection = await client().connect(server.url);
      const events = await connection.ask<Told[]>('take', { count: 2 });
      expect(events.map(({ data }) => data)).toEqual(['1', '2']);
      const rest = connection.ask('take', { count: 1 });
      await connection.close();
      expect(await rest).toEqual([]);
    });
  });
});
