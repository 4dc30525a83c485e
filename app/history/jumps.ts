import type { Batch } from '../ports/source.ts';

/**
 * The partitions in which a batch leaves out offsets. The offsets may never have held a record
 * (transaction markers, compaction), or the records were deleted from the front of the log before
 * they were read: only the log start tells, asked for after the batch.
 *
 * @param next the offset that is expected next in a partition
 */
export function jumpedPartitions(batch: Batch, next: (partition: number) => number): number[] {
  const expected = new Map<number, number>();
  const jumped = new Set<number>();
  for (const { partition, offset } of batch.records) {
    if (offset !== (expected.get(partition) ?? next(partition))) jumped.add(partition);
    expected.set(partition, offset + 1);
  }
  for (const [partition, position] of batch.positions) {
    if (position > (expected.get(partition) ?? next(partition))) jumped.add(partition);
  }
  return [...jumped];
}
