import { zeros } from './counters.ts';

/** What came of a value that was to be read. */
export const DECODE_RESULTS = ['ok', 'unknown_schema', 'malformed', 'registry_down'] as const;
export type DecodeResult = (typeof DECODE_RESULTS)[number];

/** Counts values where they are read, for the metrics. */
export class DecodeCounts {
  /** A topic that is gone keeps what it counted: a counter must not fall. */
  readonly byTopic: Map<string, Record<DecodeResult, number>> = new Map();

  of(topic: string): Record<DecodeResult, number> {
    let counts = this.byTopic.get(topic);
    if (counts === undefined) {
      counts = zeros(DECODE_RESULTS);
      this.byTopic.set(topic, counts);
    }
    return counts;
  }
}
