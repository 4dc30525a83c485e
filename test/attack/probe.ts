import { get } from 'node:http';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import type { Gateway } from '../support/gateway.ts';
import type { Topic } from '../support/kafka.ts';
import { ProcessUse } from '../support/process_use.ts';

/** Between two records of the probe's topic. */
const PAUSE_MS = 100;
/** How many are written beside an attack, at the least. */
const MIN_RECORDS = 80;
/** How long the last one may take to be counted as seen. */
const LAST_MS = 1000;

/** What a healthy client saw of its topic, and what the gateway took, while it was attacked. */
export interface Row {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Events that had come a second after the last record was written. */
  readonly seen: number;
  readonly written: number;
  /** How much more memory the gateway had than before, at most, in MB. */
  readonly grownMb: number;
}

/**
 * Attacks a gateway while a healthy client reads a topic that gets 10 records a second, and prints
 * what it saw as a row.
 */
export async function probe(
  what: string,
  { gateway, topic }: { gateway: Gateway; topic: Topic },
  attack: () => Promise<void>,
): Promise<Row> {
  const delays: number[] = [];
  const healthy = await readDelays(`${gateway.http}/${topic.name}?since=latest`, delays);
  const atFirst = new ProcessUse(gateway);
  const before = atFirst.residentMb;
  let most = before;
  let isOver = false;
  const attacked = attack().finally(() => {
    isOver = true;
  });
  const produced: Promise<void>[] = [];
  while (produced.length < MIN_RECORDS || !isOver) {
    produced.push(topic.produce({ value: String(performance.now()) }));
    most = Math.max(most, new ProcessUse(gateway).residentMb);
    await delay(PAUSE_MS);
  }
  await attacked;
  await Promise.all(produced);
  await delay(LAST_MS);
  const seen = delays.length;
  const written = produced.length;
  await eventually(`all ${written} events`, async () => delays.length === written);
  healthy.end();
  const atLast = new ProcessUse(gateway);
  const after = atLast.residentMb;
  delays.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(delays[Math.ceil(share * written) - 1]!);
  const row = { p50: at(0.5), p99: at(0.99), worst: at(1), seen, written, grownMb: most - before };
  const memory = [before, most, after].map((mb) => mb.toFixed()).join(' / ');
  process.stderr.write(
    `attack: ${what} | p50 ${row.p50} ms, p99 ${row.p99} ms, worst ${row.worst} ms ` +
      `| ${seen} of ${written} events | RSS before / most / after ${memory} MB ` +
      `| CPU ${(atLast.cpuSeconds - atFirst.cpuSeconds).toFixed(1)} s\n`,
  );
  return row;
}

/** Reads a stream of records whose values are times; settles once it has its first place. */
function readDelays(url: string, delays: number[]): Promise<{ end(): void }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (some: string) => {
        text += some;
        const lines = text.split('\n');
        text = lines.pop()!;
        for (const line of lines) {
          if (line.startsWith('data:')) delays.push(performance.now() - Number(line.slice(5)));
          if (line.startsWith('id:')) resolve({ end: () => request.destroy() });
        }
      });
      response.on('error', () => {});
    });
    request.on('error', reject);
  });
}
