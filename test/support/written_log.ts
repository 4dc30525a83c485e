import { expect } from '@jest/globals';
import { run } from './program.ts';
import type { Block, SseStream } from './sse_stream.ts';

/** Values of a topic by partition, from the first offset on, as `kcat` reads them. */
export type WrittenLog = ReadonlyMap<number, readonly string[]>;

/** Reads a topic up to its end by a client that has nothing to do with the gateway. */
export async function readLog(brokers: string, topic: string): Promise<WrittenLog> {
  const format = ['-f', '%p %o %s\n'];
  const { code, stdout, stderr } = await run([
    'kcat',
    '-b',
    brokers,
    '-C',
    '-t',
    topic,
    '-e',
    '-q',
    ...format,
  ]);
  if (code !== 0) throw new Error(`kcat ended with ${code}: ${stderr}`);
  const log = new Map<number, string[]>();
  for (const line of stdout.toString().split('\n').slice(0, -1)) {
    const [partition, offset, value] = line.split(' ');
    const values = log.get(Number(partition)) ?? [];
    log.set(Number(partition), values);
    if (values.push(value!) !== Number(offset) + 1) throw new Error(`a hole before ${line}`);
  }
  return log;
}

/**
 * Waits until a stream of `format=json` has all that `read` gives, once and in order. The log is read
 * anew where the stream has more: a broker that hung takes what it was sent before, even if late.
 */
export async function untilAllOf(
  stream: SseStream,
  read: () => Promise<WrittenLog>,
): Promise<void> {
  const records = (): Block[] => stream.events.filter(({ event }) => event === 'message');
  let log: WrittenLog;
  let count: number;
  do {
    log = await read();
    count = [...log.values()].reduce((sum, values) => sum + values.length, 0);
    await stream.until(`${count} records`, () => records().length >= count);
  } while (records().length > count);
  const got = new Map<number, string[]>();
  for (const { data } of records()) {
    const { partition, offset, value } = JSON.parse(data);
    const values = got.get(partition) ?? [];
    got.set(partition, values);
    expect([partition, offset]).toEqual([partition, values.length]);
    values.push(value);
  }
  expect(new Map([...got].sort(([a], [b]) => a - b))).toEqual(
    new Map([...log].sort(([a], [b]) => a - b)),
  );
  expect(stream.events.map(({ event }) => event)).not.toContain('gap');
}
