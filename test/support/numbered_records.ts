import { Buffer } from 'node:buffer';
import { kcat, type Topic } from './kafka.ts';
import { recordBlock } from './wire_format.ts';

/** Records of 1 kB in partition 0 that tell their offset, for topics that hold nothing else. */
export async function writeNumbered({ name }: Topic, from: number, to: number): Promise<void> {
  const lines: string[] = [];
  for (let offset = from; offset < to; offset++) lines.push(numbered(offset));
  // Without it a batch that is sent once more comes after those behind it.
  const inOrder = ['-X', 'enable.idempotence=true'];
  await kcat(['-P', '-t', name, '-p', '0', ...inOrder], lines.join('\n'));
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
