import { type ClientRequest, get } from 'node:http';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { KnownStream } from '../support/known_stream.ts';
import { numberedBlocks, writeNumbered } from '../support/numbered_records.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { probe } from './probe.ts';

const COUNT = 30_000;
const READERS = 300;
/** What the good client lacks. */
const LACKS = 2000;
const LONG_MS = 100_000;
/** Below this the time alone is noise, in milliseconds. */
const LEAST_MS = 500;

onEachRuntime((runtime) => {
  describe('300 readers at distinct old places', () => {
    test(
      'make a client that lacks 2,000 old records 10 times slower at most',
      async () => {
        const topic = await kafka.createTopic();
        const old = await kafka.createTopic();
        await writeNumbered(old, 0, COUNT);
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name, old.name],
          env: { FEED_MEMORY_MB: '8', STALL_SECONDS: '0', HEARTBEAT_SECONDS: '0' },
        });
        const alone = await timeOf(gateway, old, 20_000);
        let beside = 0;
        await probe('300 readers at distinct old places', { gateway, topic }, async () => {
          const far = await openFar(`${gateway.http}/${old.name}`, old);
          beside = await timeOf(gateway, old, 25_000);
          for (const request of far) request.destroy();
        });
        const [short, long] = [alone, beside].map((ms) => `${ms.toFixed()} ms`);
        process.stderr.write(`attack: 2,000 old records | alone ${short}, beside ${long}\n`);
        expect(beside).toBeLessThan(10 * Math.max(alone, LEAST_MS));
      },
      2 * LONG_MS,
    );
  });
});

/** Readers with nothing in common, each far from the end; they take all that comes. */
function openFar(url: string, topic: Topic): Promise<ClientRequest[]> {
  const opened = Array.from({ length: READERS }, (_, i) => {
    const headers = { 'last-event-id': topic.cursor(i * 50) };
    return new Promise<ClientRequest>((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) => {
        response.on('error', () => {}).resume();
        resolve(request);
      });
      request.on('error', reject);
    });
  });
  return within('the heads of all readers', Promise.all(opened), LONG_MS);
}

/** How long a client takes to read what it lacks, in milliseconds. */
async function timeOf(gateway: Gateway, topic: Topic, from: number): Promise<number> {
  const blocks = numberedBlocks(topic, from, COUNT);
  const lacked = numberedBlocks(topic, from, from + LACKS).length;
  const url = `${gateway.http}/${topic.name}`;
  const begin = performance.now();
  await using stream = await KnownStream.open(url, blocks, topic.cursor(from));
  await stream.readTo(lacked, LONG_MS);
  return performance.now() - begin;
}
