import type { KafkaRecord } from '../../../app/ports/source.ts';
import type { AbortedTransaction, FetchedPartition } from '../protocol/fetch_response.ts';
import { type Batch, batchBytes, toBatch } from '../protocol/record_batch.ts';

/** Records of a partition, and where its next fetch goes once they are had. */
export interface Run {
  readonly records: readonly KafkaRecord[];
  readonly next: number;
}

/** Bytes that the broker sent are no records. */
export class UnreadableError extends Error {
  constructor(partition: number, offset: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`partition ${partition} cannot be read from ${offset} on: ${why}`, { cause });
  }
}

/**
 * The committed records from an offset on, at most `limit` at a time, decoded when they are asked
 * for. Positions go past what holds none too: markers, aborted and compacted records.
 * @throws UnreadableError where the bytes are none that this can read, after the records before it.
 */
export function* readRuns(fetched: FetchedPartition, from: number, limit: number): Generator<Run> {
  const { partition, bytes } = fetched;
  if (bytes === null) return;
  const aborted = new AbortedProducers(fetched.aborted);
  let records: KafkaRecord[] = [];
  let next = from;
  let trouble: unknown = null;
  try {
    for (let at = 0; ; ) {
      const whole = batchBytes(bytes, at);
      if (whole === null) break;
      at += whole.length;
      const batch = toBatch(partition, whole);
      if (aborted.lets(batch)) {
        // A batch is sent whole, from before the offset that was asked for.
        for (let record = batch.next(); record !== null; record = batch.next()) {
          if (record.offset < next) continue;
          records.push(record);
          next = record.offset + 1;
          if (records.length < limit) continue;
          yield { records, next };
          records = [];
        }
      }
      next = Math.max(next, batch.lastOffset + 1);
    }
  } catch (error) {
    // Told once what stands before it is had.
    trouble = error;
  }
  if (next > from) yield { records, next };
  if (trouble !== null) throw new UnreadableError(partition, next, trouble);
}

/**
 * Whose records are aborted, in the course of a response: from an aborted transaction's first
 * offset to its marker. The broker names with each response all that reach into it, begun however
 * far before, so that nothing is carried from fetch to fetch.
 */
class AbortedProducers {
  readonly #ahead: AbortedTransaction[];
  readonly #aborted = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    // From the last to the first.
    this.#ahead = transactions.toSorted((a, b) => Number(b.firstOffset - a.firstOffset));
  }

  /** Whether a batch holds records that may be shown; each batch in turn. */
  lets(batch: Batch): boolean {
    if (!batch.isTransactional) return !batch.isControl;
    while (this.#ahead.length > 0 && this.#ahead.at(-1)!.firstOffset <= batch.lastOffset) {
      this.#aborted.add(this.#ahead.pop()!.producerId);
    }
    if (batch.isControl) this.#aborted.delete(batch.producerId);
    return !batch.isControl && !this.#aborted.has(batch.producerId);
  }
}
