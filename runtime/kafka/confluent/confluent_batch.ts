import type kafka from '@confluentinc/kafka-javascript';
import type { Batch, Header, KafkaRecord } from '../../../app/ports/source.ts';

/** What one call of the client's `consume` brought. */
export interface Read {
  readonly messages: readonly kafka.Message[];
  /** Positions of partitions of which the end was reached. */
  readonly ends: readonly kafka.TopicPartitionOffset[];
}

/** A read as a batch: ends tell of positions past transaction markers and compacted records. */
export function toBatch({ messages, ends }: Read): Batch {
  const positions = new Map<number, number>();
  const records = messages.map(toRecord);
  for (const { partition, offset } of records) positions.set(partition, offset + 1);
  for (const { partition, offset } of ends) {
    // The end was reached before records that came since, within the same read.
    positions.set(partition, Math.max(offset, positions.get(partition) ?? 0));
  }
  return { records, positions };
}

function toRecord(message: kafka.Message): KafkaRecord {
  const { partition, offset, timestamp, key, value, headers } = message;
  return {
    partition,
    offset,
    timestamp: timestamp ?? -1,
    key: typeof key === 'string' ? Buffer.from(key) : (key ?? null),
    value,
    headers: headers?.map(toHeader) ?? NO_HEADERS,
  };
}

const NO_HEADERS: readonly Header[] = [];

/** The client has an object of one member for each; it cannot tell null from an empty value. */
function toHeader(header: object): Header {
  // A member of that name is set as the object's prototype.
  const [name, value] = Object.entries(header)[0] ?? ['__proto__', Object.getPrototypeOf(header)];
  return [name, typeof value === 'string' ? Buffer.from(value) : value];
}
