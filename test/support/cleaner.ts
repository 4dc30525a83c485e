import { eventually } from './deadline.ts';
import { type Configs, kcat, type Topic } from './kafka.ts';

/** Makes the broker compact as soon as it can. The segment that is written to is never cleaned. */
export const CLEANED_AT_ONCE: Configs = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.01',
  'max.compaction.lag.ms': '100',
};

/**
 * Waits until the broker has removed these offsets of partition 0.
 * @param roll writes a record, so that a new segment begins
 */
export async function untilCleaned(
  { name }: Topic,
  offsets: readonly number[],
  roll: () => Promise<void>,
): Promise<void> {
  await eventually(`the broker to clean ${offsets} of ${name}`, async () => {
    await roll();
    const args = ['-C', '-t', name, '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%o\n'];
    const there = new Set((await kcat(args)).toString().trim().split('\n').map(Number));
    return offsets.every((offset) => !there.has(offset));
  });
}
