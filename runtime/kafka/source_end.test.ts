import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { kafka, type Topic } from '../../test/support/kafka.ts';
import { newName } from '../../test/support/new_name.ts';
import { shared } from '../../test/support/shared.ts';
import { onEachSource, SourceProcess } from '../../test/support/source_process.ts';

/** The port promises a second, on a machine that does nothing else; a request may take 30 of them. */
const ABORT_MS = 15_000;

/** Takes connections and never answers. */
async function listenSilently(port: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits until the process has no more connections than that. */
async function untilClosed(source: SourceProcess, left = 0): Promise<void> {
  const label = () => `${source.sockets} connections to be closed but for ${left}`;
  await eventually(label, async () => source.sockets <= left);
}

onEachSource((runtime) => {
  describe('RecordSource.read() ends within a second, and leaves no connection', () => {
    const source = shared(() => SourceProcess.start(runtime, kafka.brokers));
    let topic!: Topic;
    const filled = async (): Promise<Topic> => {
      if (topic === undefined) {
        topic = await kafka.createTopic();
        const values = Array.from({ length: 20_000 }, (_, n) => ({ value: `${n}` }));
        await topic.produce(...values);
      }
      return topic;
    };

    /** Connections for questions, which are kept. */
    let kept = 0;
    const untilEnded = (): Promise<void> => untilClosed(source(), kept);

    test('when its reader leaves it', async () => {
      const { name } = await filled();
      await source().describe(name);
      await source().offsets(topic, [0], 'latest');
      const first = await source().read(topic);
      await first.until('a batch', () => first.records.length > 0);
      await first.abort();
      kept = source().sockets;
      const read = await source().read(topic);
      await read.leave();
      await read.until('its end', () => read.ended);
      await untilEnded();
    });

    test('when it is aborted as it begins', async () => {
      const read = await source().read(await filled());
      await read.abort(ABORT_MS);
      expect(read.error).toBeNull();
      await untilEnded();
    });

    test('when it is aborted between two batches', async () => {
      const read = await source().read(await filled());
      await read.until('a batch', () => read.records.length > 0);
      await read.abort(ABORT_MS);
      await untilEnded();
    });

    test('when it is aborted while it waits for records', async () => {
      const empty = await kafka.createTopic({ partitions: 3 });
      await empty.produce({ value: 'x' });
      const read = await source().read(empty, { 0: 0, 1: 0, 2: 0 });
      await read.untilAt({ 0: 1 });
      expect(source().sockets).toBeGreaterThan(kept);
      await read.abort(ABORT_MS);
      await untilEnded();
    });

    test('when it is aborted while nobody listens', async () => {
      await using own = await SourceProcess.start(runtime, `localhost:${await freePort()}`);
      const read = await own.read({ name: newName(), id: '00000000' });
      await eventually('a failure', async () => (await own.status()).error !== 'not asked yet');
      await read.abort(ABORT_MS);
      await untilClosed(own);
      await own.close();
      await own.ends();
    });

    test('when it is aborted while a broker does not answer', async () => {
      const port = await freePort();
      await using _silent = await listenSilently(port);
      await using own = await SourceProcess.start(runtime, `127.0.0.1:${port}`);
      const read = await own.read({ name: newName(), id: '00000000' });
      await eventually('a connection', async () => own.sockets > 0);
      await read.abort(ABORT_MS);
      await untilClosed(own);
      await own.close();
      await own.ends();
    });
  });

  describe('RecordSource.close()', () => {
    test('ends reads under way and questions, and leaves nothing that keeps the process', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'x' });
      await using source = await SourceProcess.start(runtime, kafka.brokers);
      await source.describe(topic.name);
      await source.offsets(topic, [0], 'latest');
      const reads = await Promise.all([source.read(topic), source.read(topic)]);
      await reads[0]!.untilAt({ 0: 1 });
      await source.close();
      for (const read of reads) await read.until('its end', () => read.ended);
      await untilClosed(source);
      await source.ends();
    });

    // A process that ends before its client's threads are gone crashes.
    test('that comes while reads begin leaves no thread of a client', async () => {
      const topic = await kafka.createTopic();
      await using source = await SourceProcess.start(runtime, kafka.brokers);
      const reads = await Promise.all(Array.from({ length: 8 }, () => source.read(topic)));
      await source.close();
      expect(source.clientThreads).toBe(0);
      for (const read of reads) await read.until('its end', () => read.ended);
      await source.ends();
    });
  });
});
