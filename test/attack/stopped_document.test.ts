import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, kcat } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { probe } from './probe.ts';

const COUNT = 1_000_000;
const STOPPED_MS = 10_000;
const READ_MS = 400_000;
const CASE_MS = 600_000;
/** What each record begins with in a document. */
const RECORD = '{"partition":';

onEachRuntime((runtime) => {
  describe('a document of 1,000,000 records', () => {
    test(
      'to a reader that stops holds up nobody, is not held in memory, and is whole in the end',
      async () => {
        const [topic, large] = [await kafka.createTopic(), await kafka.createTopic()];
        const lines = Array.from({ length: COUNT }, (_, n) => `value ${n}`).join('\n');
        await kcat(['-P', '-t', large.name, '-p', '0'], lines);
        await using gateway = await Gateway.startReady(runtime, {
          topics: [topic.name, large.name],
          env: { FEED_MEMORY_MB: '8', STALL_SECONDS: '0' },
        });
        const response = await within(
          'a document',
          open(`${gateway.http}/${large.name}?until=live`),
        );
        const reading = read(response);
        const row = await probe(
          `a stopped document, on ${runtime.name}`,
          { gateway, topic },
          async () => {
            await within('its beginning', reading.begun);
            response.pause();
            await delay(STOPPED_MS);
          },
        );
        expect(row.seen).toBe(row.written);
        expect(row.grownMb).toBeLessThan(100);
        response.resume();
        const { records, end } = await within('its end', reading.whole, READ_MS);
        expect(records).toBe(COUNT);
        expect(end).toMatch(/"value":"value 999999"\}\],"id":"[^"]+"\}\n?$/);
      },
      CASE_MS,
    );
  });
});

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json' };
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });
}

/** Counts the records of a document as it comes. */
function read(response: IncomingMessage): {
  begun: Promise<void>;
  whole: Promise<{ records: number; end: string }>;
} {
  let records = 0;
  let end = '';
  const begun = new Promise<void>((resolve) => response.once('data', () => resolve()));
  const whole = new Promise<{ records: number; end: string }>((resolve, reject) => {
    response.setEncoding('latin1').on('data', (text: string) => {
      const all = end.slice(1 - RECORD.length) + text;
      records += all.split(RECORD).length - 1;
      end = (end + text).slice(-200);
    });
    response.on('end', () => resolve({ records, end })).on('error', reject);
  });
  return { begun, whole };
}
