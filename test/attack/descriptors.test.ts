import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import type { Command } from '../support/program.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { probe } from './probe.ts';

const LIMIT = 1024;
const CONNECTIONS = 1200;
const ATTACK_MS = 8000;
const CASE_MS = 180_000;

/** Holds connections to a listener that ask for nothing. */
async function idle(origin: string): Promise<void> {
  const port = Number(new URL(origin).port);
  const sockets: Socket[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    sockets.push(connect(port, 'localhost').on('error', () => {}));
    if (i % 50 === 0) await delay(10);
  }
  await delay(ATTACK_MS);
  for (const socket of sockets) socket.destroy();
}

onEachRuntime((runtime) => {
  describe('1,200 connections and 1,024 open files', () => {
    test(
      'leave the ports open, and are told',
      async () => {
        const limited: Command = [
          'sh',
          '-c',
          `ulimit -n ${LIMIT} && exec "$@"`,
          'sh',
          ...runtime.gateway,
        ];
        const topic = await kafka.createTopic();
        await using gateway = await Gateway.startReady(
          { ...runtime, gateway: limited },
          { topics: [topic.name] },
        );
        const row = await probe(
          `${CONNECTIONS} idle connections, on ${runtime.name}`,
          { gateway, topic },
          () => idle(gateway.http),
        );
        expect(row.seen).toBe(row.written);
        const answers = async (url: string): Promise<boolean> =>
          (await curl('-I', url).catch(() => null))?.status === 200;
        const urls = [`${gateway.admin}/livez`, `${gateway.http}/${topic.name}`];
        for (const url of urls) await eventually(`an answer of ${url}`, () => answers(url));
        expect(gateway.stderr).toContain(`the limit of ${LIMIT} open files leaves room for`);
        expect(gateway.stderr).toContain('Connections are dropped');
      },
      CASE_MS,
    );
  });
});
