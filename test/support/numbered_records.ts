import { Buffer } from 'node:buffer';
import type { Topic } from './kafka.ts';
import { recordBlock } from './wire_format.ts';

/** Of one request. */
const MOST_RECORDS = 500;

/** Records of 1 kB in partition 0 that tell their offset, for topics that hold nothing else. */
export async function writeNumbered(topic: Topic, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += MOST_RECORDS) {
    const count = Math.min(MOST_RECORDS, to - first);
    await topic.produce(
      ...Array.from({ length: count }, (_, n) => ({ value: numbered(first + n) })),
    );
  }
}

/** Writes small records to a partition: `<label> 0`, `<label> 1` … */
export function writeLabelled(
  topic: Topic,
  label: string,
  count: number,
  partition = 0,
): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => ({ value: `${label} ${n}`, partition }));
  return topic.produce(...records);
}

/** The blocks of these records, for a topic of one partition. */
export function numberedBlocks(topic: Topic, from: number, to: number): Buffer {
  const blocks: Buffer[] = [];
  for (let offset = from; offset < to; offset++) {
    const record = { key: null, value: Buffer.from(numbered(offset)) };
    blocks.push(Buffer.from(recordBlock(record, topic.cursor(offset + 1))));
  }
  return Buffer.concat(blocks);
}

function numbered(offset: number): string {
  return `${offset} `.padEnd(1000, 'x');
}
