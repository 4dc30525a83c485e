import type { Traffic } from '../counts/traffic.ts';
import type { HistoryPool } from '../history/history_pool.ts';
import type { Scans } from '../history/scans.ts';
import type { Facts } from '../log/facts.ts';
import type { IdClock } from '../log/id_clock.ts';
import type { Dropped, Log } from '../log/log.ts';
import type { Offsets, TopicDescription } from '../ports/source.ts';
import type { Positions } from '../wire/place.ts';
import type { TopicId } from '../wire/topic_id.ts';
import type { PageWriter } from './page_writer.ts';
import type { SharedPages } from './shared_pages.ts';
import type { Sleepers } from './sleepers.ts';
import type { Turns } from './turns.ts';

/** What the brokers say of a topic, all of it of the same one. */
export interface TopicState {
  readonly description: TopicDescription;
  /** The log start of each partition. */
  readonly starts: Offsets;
  /** The last stable offset of each partition. */
  readonly ends: Offsets;
}

/** A client of the topic. */
export interface TopicClient {
  /** Kafka has dropped deletes that it may not have had. */
  lacks(dropped: Dropped): void;
}

/** A topic as its clients see it; a feed is one. */
export interface Topic {
  /** Its name. */
  readonly topic: string;
  /** Its id; `null` where there is no such topic, `undefined` while that is not known. */
  readonly id: TopicId | null | undefined;
  /** Those who wait for it. */
  readonly sleepers: Sleepers;
  /** Those who are connected. */
  readonly clients: Set<TopicClient>;
  /** The log once it is loaded, else `null`. */
  readonly loadedLog: Log | null;
  /** Log starts and ends as they were seen last, some seconds ago at the most. */
  readonly starts: Positions;
  readonly ends: Offsets;
  /** What reads back what lies below the log. */
  readonly history: HistoryPool;
  /** What reads it back once for all clients with filters. */
  readonly scans: Scans;
  readonly page: PageWriter;
  /** What several of its clients get alike. */
  readonly pages: SharedPages;
  /** By which its clients' filters work. */
  readonly turns: Turns;
  /** What they look at. */
  readonly facts: Facts;
  readonly traffic: Traffic;
  /** Gives ids their time; `null` while the topic is not compacted. */
  readonly idClock: IdClock | null;
  /** What tells clients that it is stale; `null` while the leaders of its partitions answer. */
  readonly staleBlock: Uint8Array | null;
  /** When brokers that deny a partition are asked for it again, in milliseconds. */
  readonly deniedAgainMs: number;

  /**
   * Asks for the topic as the brokers have it now; `null` where it is not that of the log any more.
   * @returns how to take the question back
   */
  askState(log: Log, use: (state: TopicState | null) => void): () => void;

  /**
   * Asks for the offsets of a time, or else the ends, in all partitions of a log; `null` once it is
   * not the topic's any more.
   * @returns how to take the question back
   */
  askOffsets(log: Log, time: number, use: (offsets: Offsets | null) => void): () => void;
}
