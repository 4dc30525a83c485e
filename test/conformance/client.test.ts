import { describe, expect, test } from '@jest/globals';
import { CLEANED_AT_ONCE, untilCleaned } from '../support/cleaner.ts';
import { ClientProcess, type RemoteClient } from '../support/client_process.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { Relay, type Spoil } from '../support/relay.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { IS_ALL } from '../support/tier.ts';

function valuesOf(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => `${from + n}`);
}

function write(topic: Topic, values: readonly string[]): Promise<void> {
  return topic.produce(...values.map((value) => ({ value })));
}

/** Ends the first connection that has had so many bytes. */
function cutOnceAfter(count: number): Spoil {
  let left = count;
  return (bytes, client) => {
    const passed = left > bytes.length ? bytes : bytes.subarray(0, Math.max(0, left));
    left -= bytes.length;
    if (passed === bytes) return bytes;
    left = Number.POSITIVE_INFINITY;
    client.end(passed);
    return bytes.subarray(0, 0);
  };
}

async function untilRows(rows: RemoteClient, expected: [string, string][]): Promise<void> {
  let seen: unknown = null;
  await eventually(
    () => `the rows ${JSON.stringify(expected)}; there are ${JSON.stringify(seen)}`,
    async () => {
      const { entries, isWhole } = await rows.state();
      seen = entries;
      return isWhole && JSON.stringify([...entries].sort()) === JSON.stringify(expected.sort());
    },
  );
}

onRuntimesOfTier((runtime) => {
  describe('connect() of client.js', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('gets all once and in order over a kill and a drain of the gateway', async () => {
      const topic = await kafka.createTopic();
      await write(topic, valuesOf(5));
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const connection = await client().connect(`${gateway.http}/${topic.name}`);
      await connection.untilCount('message', 5);
      for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
        gateway.kill(signal);
        await gateway.ended();
        await write(topic, valuesOf(5, 5 + 5 * round));
        await gateway.start();
        await connection.untilCount('message', 10 + 5 * round);
      }
      await write(topic, ['last']);
      await connection.untilCount('message', 16);
      expect(await connection.messages()).toEqual([...valuesOf(15), 'last']);
      await connection.close();
    });

    test('comes back after 503 and after 429, as soon as it was asked to', async () => {
      const comesBack = async (status: number, env: Record<string, string>): Promise<void> => {
        const topic = await kafka.createTopic();
        await write(topic, ['a value']);
        await using gateway = await HostedGateway.startReady(runtime, {
          topics: [topic.name],
          env,
        });
        const stream = await gateway.stream(`/${topic.name}`);
        await stream.untilEvents(1);
        const connection = await client().connect(`${gateway.http}/${topic.name}`);
        const [error] = await connection.untilCount('error', 1);
        expect(error).toMatchObject({ status });
        expect(error!.error).toMatch(/; try again in \d+ s$/);
        expect(error!.retryMs).toBeGreaterThanOrEqual(10_000);
        await stream[Symbol.asyncDispose]();
        await eventually('a message', async () => (await connection.messages()).length > 0);
        await connection.close();
      };
      await Promise.all([
        comesBack(503, { MAX_CONNECTIONS: '1' }),
        comesBack(429, { MAX_CONNECTIONS_PER_IP: '1' }),
      ]);
    });

    test('gives up at a topic that is not served, and says why', async () => {
      await using gateway = await HostedGateway.start(runtime);
      const connection = await client().connect(`${gateway.http}/unknown`);
      const [error] = await connection.untilCount('error', 1);
      expect(error).toMatchObject({ status: 404, retryMs: null });
      expect(error!.error).toContain('neither a topic that is served here nor a file');
    });

    test('loses nothing and gets nothing twice when it is cut after any byte', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'one' }, { value: ' two\r\n🚀' }, { value: 'three' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const { port } = new URL(gateway.http);
      await using open = await Relay.start(Number(port));
      let bytes = 0;
      open.spoil = (passed) => {
        bytes += passed.length;
        return passed;
      };
      const whole = await client().connect(`http://127.0.0.1:${open.port}/${topic.name}`);
      await whole.untilCount('message', 3);
      await whole.close();
      const cutAfter = async (count: number): Promise<(string | undefined)[]> => {
        await using relay = await Relay.start(Number(port));
        relay.spoil = cutOnceAfter(count);
        const url = `http://127.0.0.1:${relay.port}/${topic.name}`;
        const connection = await client().connect(url);
        await connection.untilCount('error', 1);
        await eventually(`all after a cut at ${count}`, async () =>
          (await connection.messages()).includes('three'),
        );
        const messages = await connection.messages();
        await connection.close();
        return messages;
      };
      // The records, and some of what stands before them; each third of these in `npm test`.
      const step = IS_ALL ? 1 : 3;
      const counts = Array.from({ length: 170 / step }, (_, n) => bytes - 170 + n * step);
      for (const messages of await Promise.all(counts.map(cutAfter))) {
        expect(messages).toEqual(['one', ' two\n🚀', 'three']);
      }
    });
  });

  describe('table() of client.js', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('shows a topic that is made anew', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const rows = await client().table(`${gateway.http}/${topic.name}`);
      await untilRows(rows, [
        ['a', '1'],
        ['b', '2'],
      ]);
      await kafka.deleteTopic(topic.name);
      const anew = await kafka.createTopic({ name: topic.name, compacted: true });
      await anew.produce({ key: 'b', value: '3' });
      await untilRows(rows, [['b', '3']]);
      expect((await rows.log()).filter(({ type }) => type === 'gap')).toMatchObject([
        { detail: { reason: 'recreated', topic: topic.name } },
      ]);
      await rows.close();
    });

    test('has no row of a delete that Kafka dropped while it was away', async () => {
      const topic = await kafka.createTopic({
        configs: { ...CLEANED_AT_ONCE, 'delete.retention.ms': '1000' },
      });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const rows = await client().table(`${gateway.http}/${topic.name}`);
      await untilRows(rows, [
        ['a', '1'],
        ['b', '2'],
      ]);
      await gateway.stop();
      await topic.produce({ key: 'a' });
      await untilCleaned(topic, [0, 2], () => topic.produce({ key: 'c', value: '3' }));
      await gateway.start();
      await untilRows(rows, [
        ['b', '2'],
        ['c', '3'],
      ]);
      // The one that it came back to, and the one that it began anew.
      const opened = (await rows.log()).filter(({ type }) => type === 'open');
      expect(opened.length).toBeGreaterThan(2);
      await rows.close();
    });

    test('follows deletes and a key that is in two partitions', async () => {
      const topic = await kafka.createTopic({ compacted: true, partitions: 2 });
      const at = Date.now();
      await topic.produce(
        { key: 'a', value: 'old', timestamp: at },
        { key: 'a', value: 'new', timestamp: at + 1, partition: 1 },
        { key: 'b', value: 'gone', timestamp: at },
      );
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const rows = await client().table(`${gateway.http}/${topic.name}`);
      await untilRows(rows, [
        ['a', 'new'],
        ['b', 'gone'],
      ]);
      await topic.produce({ key: 'b' }, { key: 'a', partition: 1 });
      await untilRows(rows, [['a', 'old']]);
      await rows.close();
    });
  });
});
