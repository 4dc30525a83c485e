import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';

onEachRuntime((runtime) => {
  describe('a signal', () => {
    test.each(['SIGINT', 'SIGTERM'] as const)(
      '%s ends the streams, then the gateway, with 0',
      async (signal) => {
        const topic = await kafka.createTopic();
        await topic.produce({ value: 'a' });
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { DRAIN_SECONDS: '1' },
        });
        await using plain = await gateway.stream(`/${topic.name}`);
        await using secure = await SseStream.open(`${gateway.https}/${topic.name}`);
        for (const stream of [plain, secure]) await stream.untilEvents(1);
        gateway.kill(signal);
        for (const stream of [plain, secure]) await within('the end of a stream', stream.over);
        expect(await gateway.ended()).toBe(0);
      },
    );

    test('that follows another one ends the gateway at once, not with 0', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { DRAIN_SECONDS: '60' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      // Stopped meanwhile: whatever the first one does, it finds the second one there.
      for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const)
        gateway.kill(signal);
      expect(await gateway.ended()).not.toBe(0);
      await within('the end of the stream', stream.over);
    });

    test('during the start ends it with 0, too', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.start(runtime, { topics: [topic.name] });
      expect(await gateway.stop()).toBe(0);
    });
  });
});
