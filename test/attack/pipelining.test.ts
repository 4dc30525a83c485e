import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Gateway } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { connectRaw } from '../support/raw_exchange.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { probe } from './probe.ts';

const REQUESTS = 10_000;
const ATTACK_MS = 6000;
const CASE_MS = 120_000;

/** Sends so many requests in one write on each of some connections, and reads what is answered. */
async function pipeline(origin: string, path: string, connections: number): Promise<void> {
  const text = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(REQUESTS);
  const sockets: Socket[] = [];
  for (let i = 0; i < connections; i++) {
    const socket = await connectRaw(origin);
    sockets.push(socket.on('error', () => {}).resume());
    socket.write(text);
  }
  await delay(ATTACK_MS);
  for (const socket of sockets) socket.destroy();
}

onEachRuntime((runtime) => {
  describe('requests in one write', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: '0' });
      return Gateway.startReady(runtime, { topics: [topic.name] });
    });

    test.each([
      ['for a stream, on each of 5 connections', 5, (): string => `/${topic.name}`],
      ['for a file, on each of 10 connections', 10, (): string => '/page.js'],
    ])(
      '10,000 of them %s hold up nobody, and leave nothing behind',
      async (name, connections, path) => {
        const attacked = { gateway: gateway(), topic };
        const row = await probe(`10,000 requests ${name}, on ${runtime.name}`, attacked, () =>
          pipeline(gateway().http, path(), connections),
        );
        expect(row.seen).toBe(row.written);
        expect(row.grownMb).toBeLessThan(50);
        await untilScraped('all streams to be let go', gateway(), (scrape) => {
          return scrape.value('sse_kafka_connections', { topic: topic.name }) === 0;
        });
      },
      CASE_MS,
    );
  });
});
