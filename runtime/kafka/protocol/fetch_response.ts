import type { Buffer } from 'node:buffer';
import type { Reader as LibraryReader } from '@platformatic/kafka';
import { createAPI, fetchV11, fetchV12, fetchV13, fetchV15 } from './platformatic_on_node20.ts';

/** What a fetch brought. */
export interface FetchResponse {
  /** 0 where the broker keeps no session. */
  readonly sessionId: number;
  readonly partitions: readonly FetchedPartition[];
}

/** What a fetch brought of one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** The broker to read from instead, which is nearer; -1: this one. */
  readonly preferredReplica: number;
  /** 0, or why the broker sent nothing. */
  readonly errorCode: number;
  /** Transactions that were aborted and may have records among these. */
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches as they lie on the broker's disk; the last one may be cut. */
  readonly bytes: Buffer | null;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

type FetchArguments = Parameters<typeof fetchV15.createRequest>;

const FETCH = 1;
/** From this version on arrays are compact, and fields may be tagged. */
const FLEXIBLE = 12;
/** From this version on a topic is named by its id. */
export const FETCH_BY_TOPIC_ID = 13;

/**
 * Fetch requests, newest first; the oldest is that of Kafka 2.3. Only the requests are the
 * client's: its answers hold every record of a response as an object before the first can be had.
 */
export const FETCHES = [
  createAPI<FetchArguments, FetchResponse>(FETCH, 15, fetchV15.createRequest, parse),
  createAPI<FetchArguments, FetchResponse>(FETCH, 13, fetchV13.createRequest, parse),
  createAPI<FetchArguments, FetchResponse>(FETCH, 12, fetchV12.createRequest, parse),
  createAPI<FetchArguments, FetchResponse>(FETCH, 11, fetchV11.createRequest, parse, false, false),
];

/** What stands in an answer to one of them. */
export function parse(
  _correlationId: number,
  _apiKey: number,
  version: number,
  reader: LibraryReader,
): FetchResponse {
  const compact = version >= FLEXIBLE;
  reader.skip(4); // throttle_time_ms
  const errorCode = reader.readInt16();
  if (errorCode !== 0) throw new Error(`the broker refused to send records (code ${errorCode})`);
  const sessionId = reader.readInt32();
  const topics = reader.readArray(
    (topic) => {
      if (version >= FETCH_BY_TOPIC_ID) topic.skip(16);
      else topic.readString(compact);
      return topic.readArray((partition) => readPartition(partition, compact), compact, compact);
    },
    compact,
    compact,
  );
  return { sessionId, partitions: topics.flat() };
}

function readPartition(reader: LibraryReader, compact: boolean): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(24); // high_watermark, last_stable_offset, log_start_offset
  const aborted = reader.readNullableArray(
    (transaction) => ({
      producerId: transaction.readInt64(),
      firstOffset: transaction.readInt64(),
    }),
    compact,
    compact,
  );
  const preferredReplica = reader.readInt32();
  const bytes = reader.readNullableBytes(compact);
  return { partition, preferredReplica, errorCode, aborted: aborted ?? [], bytes };
}
