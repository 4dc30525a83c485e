import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { CLEANED_AT_ONCE, untilCleaned } from '../support/cleaner.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { base64url } from '../support/wire_format.ts';

/** Writes a record of which the key has no other use. */
function rollOf(topic: Topic): () => Promise<void> {
  return () => topic.produce({ key: 'roll', value: 'roll' });
}

onRuntimesOfTier((runtime) => {
  describe('compaction by the broker', () => {
    test('under a client that stopped below memory takes nothing from it', async () => {
      const KEYS = 10_000;
      const topic = await kafka.createTopic({ configs: CLEANED_AT_ONCE });
      const write = async (round: number, step: number): Promise<void> => {
        const lines: string[] = [];
        for (let key = 0; key < KEYS; key += step) {
          lines.push(`${key}:${`${key} ${round} `.padEnd(1000, 'x')}`);
        }
        await kcat(['-P', '-t', topic.name, '-p', '0', '-K:'], lines.join('\n'));
      };
      await write(0, 1);
      await using gateway = await HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: { FEED_MEMORY_MB: '1', STALL_SECONDS: '0' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(1);
      stream.pause();
      await write(1, 2);
      await untilCleaned(topic, [0, KEYS - 2], rollOf(topic));
      stream.resume();
      const last = `${KEYS - 2} 1 `;
      await stream.until('the last update', () =>
        stream.events.some(({ data }) => data.startsWith(last)),
      );
      const rounds = Array.from({ length: KEYS }, (): number[] => []);
      for (const { event, data } of stream.events) {
        expect(event).toBe('message');
        const [key, round] = data.split(' ').map(Number);
        if (data !== 'roll') rounds[key!]!.push(round!);
      }
      const isOdd = (key: number): boolean => key % 2 === 1;
      expect(rounds.filter((_, key) => isOdd(key)).every((got) => `${got}` === '0')).toBe(true);
      const others = new Set(rounds.filter((_, key) => !isOdd(key)).map(String));
      // Some had the first value before it was superseded.
      expect([...others].sort()).toEqual(['0,1', '1']);
    });

    test('that dropped a delete takes it from those who come later', async () => {
      const topic = await kafka.createTopic({
        configs: { ...CLEANED_AT_ONCE, 'delete.retention.ms': '3000' },
      });
      await topic.produce({ key: 'a', value: '1' }, { key: 'a' }, { key: 'b', value: 'end' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      const seen = async (id: string): Promise<string[]> => {
        await using stream = await gateway.stream(`/${topic.name}`, {
          headers: { 'last-event-id': id },
        });
        await stream.until('the end', () => stream.events.some(({ data }) => data === 'end'));
        return stream.events.map(({ event, data }) => `${event} ${data}`);
      };
      const gone = `delete ${base64url(Buffer.from('a'))}`;
      for (const id of ['', topic.cursor(1)]) expect(await seen(id)).toEqual([gone, 'message end']);
      // What it knows of the delete it knows from before.
      gateway.kill('SIGSTOP');
      await untilCleaned(topic, [0, 1], rollOf(topic));
      gateway.kill('SIGCONT');
      for (const id of ['', topic.cursor(1)]) {
        // It looks for deletes that are gone twice a minute.
        await eventually(
          'the delete to be forgotten',
          async () => !(await seen(id)).includes(gone),
        );
      }
    });
  });
});
