import { expect, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { probe } from './probe.ts';

/** Clients that ask at the same time, again and again, each for another time. */
const ASKERS = 60;
const ASK_MS = 8000;

onEachRuntime((runtime) => {
  test('look-ups of times on one topic hold up no reader of it or of another', async () => {
    const topic = await kafka.createTopic();
    const asked = await kafka.createTopic();
    await asked.produce({ value: 'one' });
    await using gateway = await Gateway.startReady(runtime, { topics: [topic.name, asked.name] });
    let answers = 0;
    const row = await probe('look-ups of times', { gateway, topic }, async () => {
      const until = performance.now() + ASK_MS;
      const ask = async (first: number): Promise<void> => {
        for (let time = first; performance.now() < until; time += ASKERS) {
          await using stream = await gateway.stream(`/${asked.name}?since=${time}`);
          await stream.until('the first id', () => stream.blocks.some(({ id }) => id !== ''));
          answers++;
        }
      };
      const begin = Date.now() - 3_600_000;
      await Promise.all(Array.from({ length: ASKERS }, (_, n) => ask(begin + n)));
    });
    expect(row.seen).toBe(row.written);
    expect(answers).toBeGreaterThan(ASKERS);
  });
});
