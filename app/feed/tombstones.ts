import type { RecordSource, TopicIdentity } from '../source.ts';

/** A sweep looks at so many deletes at the most. */
const MAX_SWEPT = 10_000;
/** Sweeps are at least so far apart, in milliseconds, */
const MIN_PAUSE_MS = 30_000;
/** and so many times as long as the last one took: reading a topic back is work for the brokers. */
const PAUSE_FACTOR = 20;

/** A delete that was read, and when Kafka may drop it. */
interface Tombstone {
  readonly partition: number;
  readonly offset: number;
  /** Its sequence number in the log. */
  readonly seq: number;
  /** Unix milliseconds; that of its record. */
  readonly timestamp: number;
}

/**
 * The deletes of a compacted topic, so that the index of keys forgets what Kafka has dropped and
 * does not grow for ever.
 *
 * Kafka may drop a delete after `delete.retention.ms`, and does when its cleaner comes by, which can
 * be days later; until then a client that comes back must still get it. So those that are old enough
 * are looked for in Kafka, and only those that are gone are forgotten.
 */
export class Tombstones {
  /** In the order in which they were read. */
  #queue: Tombstone[] = [];
  #nextSweep = 0;

  add(tombstone: Tombstone): void {
    this.#queue.push(tombstone);
  }

  /**
   * @param oldest deletes with a timestamp below this may be gone
   * @returns sequence numbers of those that are
   */
  async sweep(
    source: RecordSource,
    topic: TopicIdentity,
    oldest: number,
    signal: AbortSignal,
  ): Promise<ReadonlySet<number>> {
    const begin = Date.now();
    if (begin < this.#nextSweep) return new Set();
    const end = this.#queue.findIndex(({ timestamp }) => timestamp >= oldest);
    const count = Math.min(MAX_SWEPT, end === -1 ? this.#queue.length : end);
    if (count === 0) return new Set();
    const candidates = this.#queue.slice(0, count);
    this.#nextSweep = Number.POSITIVE_INFINITY;
    let kept: Tombstone[];
    try {
      kept = await findKept(source, topic, candidates, signal);
    } finally {
      this.#nextSweep = Date.now() + Math.max(MIN_PAUSE_MS, (Date.now() - begin) * PAUSE_FACTOR);
    }
    this.#queue = [...this.#queue.slice(count), ...kept];
    const gone = new Set(candidates.map(({ seq }) => seq));
    for (const { seq } of kept) gone.delete(seq);
    return gone;
  }
}

/** Reads the topic from the first to the last of the deletes and tells which are still there. */
async function findKept(
  source: RecordSource,
  topic: TopicIdentity,
  candidates: readonly Tombstone[],
  signal: AbortSignal,
): Promise<Tombstone[]> {
  const wanted = new Map<number, Map<number, Tombstone>>();
  for (const tombstone of candidates) {
    const offsets = wanted.get(tombstone.partition) ?? new Map<number, Tombstone>();
    wanted.set(tombstone.partition, offsets.set(tombstone.offset, tombstone));
  }
  const from = new Map<number, number>();
  const last = new Map<number, number>();
  for (const [partition, offsets] of wanted) {
    from.set(partition, Math.min(...offsets.keys()));
    last.set(partition, Math.max(...offsets.keys()));
  }
  const kept: Tombstone[] = [];
  for await (const { records, positions } of source.read(topic, from, signal)) {
    for (const { partition, offset, value } of records) {
      const found = value === null ? wanted.get(partition)?.get(offset) : undefined;
      if (found !== undefined) kept.push(found);
    }
    for (const [partition, next] of positions) {
      if (next > last.get(partition)!) last.delete(partition);
    }
    if (last.size === 0) return kept;
  }
  throw new Error(`the search for deletes of ${topic.name} was cut short`);
}
