import type { Broker } from '@platformatic/kafka';

/** A topic as one broker knows it. */
export interface TopicMetadata {
  readonly name: string;
  /** As text; zeros where the brokers give none. */
  readonly id: string;
  /** The first four bytes of the id. */
  readonly idBytes: Uint8Array;
  /** By partition; `null` where there is no leader now. */
  readonly leaders: readonly (Leader | null)[];
  /** By number. */
  readonly brokers: ReadonlyMap<number, Broker>;
}

/** Where a partition is read. */
export interface Leader {
  /** `host:port`. */
  readonly name: string;
  readonly epoch: number;
  readonly broker: Broker;
}

/** A partition that is asked about at its leader. */
export interface Asked {
  readonly partition: number;
  readonly epoch: number;
  /** Where to fetch from, or a time to look for. */
  readonly at: number;
}
