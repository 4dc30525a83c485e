import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';

const TRIES = 6;

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
      const codes: (number | null)[] = [];
      // The first signal is followed so fast that the second one can come too late, then with 0.
      while (!codes.some((code) => code !== 0) && codes.length < TRIES) {
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name],
          env: { DRAIN_SECONDS: '60' },
        });
        await using stream = await gateway.stream(`/${topic.name}`);
        for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const)
          gateway.kill(signal);
        codes.push(await gateway.ended());
        await within('the end of the stream', stream.over);
      }
      expect(codes.at(-1)).not.toBe(0);
    });

    test('during the start ends it with 0, too', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.start(runtime, { topics: [topic.name] });
      expect(await gateway.stop()).toBe(0);
    });
  });
});
