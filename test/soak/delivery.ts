import { Buffer } from 'node:buffer';
import { cursorOffsets } from '../support/wire_format.ts';
import { hashOf, type Produced, type ProducedTopic } from './produced.ts';
import { serialOf } from './values.ts';

export type Format = 'text' | 'json';

/** An event as a client shows it. */
export interface Received {
  readonly event: string;
  readonly data: string;
  /** Empty where the client does not show it. */
  readonly id: string;
}

/** A part of a gap: offsets that the client does not get. */
export interface Lost {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What an event tells: a record, to be found in the producer's account, or a gap. */
export type Delivery =
  | {
      readonly kind: 'record';
      readonly record: Produced;
      readonly hash: number | null;
      /** It did not come: its key is not in the client's view any more. */
      readonly hasLeft?: true;
    }
  | { readonly kind: 'gap'; readonly reason: string; readonly lost: readonly Lost[] }
  | { readonly kind: 'nothing' }
  /** All that was there has come. */
  | { readonly kind: 'live' }
  /** Kafka has not acknowledged it yet, or not its transaction. */
  | { readonly kind: 'early' }
  | { readonly kind: 'wrong'; readonly why: string };

const NOTHING: Delivery = { kind: 'nothing' };
const LIVE: Delivery = { kind: 'live' };
const EARLY: Delivery = { kind: 'early' };

interface JsonRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** An object on a topic whose values are read. */
  readonly value: string | object | null;
  readonly error?: string;
}

/** Finds out what a client got. */
export function identify(topic: ProducedTopic, format: Format, received: Received): Delivery {
  const { event, data } = received;
  if (event === 'place' && data === '{}') return NOTHING;
  if (event === 'live' && data === '{}') return LIVE;
  if (event === 'stale' || event === 'fresh') return NOTHING;
  if (event === 'gap') {
    const { reason, partitions } = JSON.parse(data);
    return { kind: 'gap', reason, lost: partitions };
  }
  if (event === 'leave' && topic.isCompacted) return left(topic, format, received);
  if (event !== 'message' && event !== 'delete') return wrong(`an event ${event}`);
  return format === 'json' ? inJson(topic, event, data) : inText(topic, received);
}

function inJson(topic: ProducedTopic, event: string, data: string): Delivery {
  const { partition, offset, key, value: shown, error }: JsonRecord = JSON.parse(data);
  if (error !== undefined) return wrong(`a value that could not be read: ${error}`);
  const value = typeof shown === 'object' && shown !== null ? JSON.stringify(shown) : shown;
  if ((value === null) !== (event === 'delete')) return wrong(`an event ${event} with ${data}`);
  const isKnownKey = value === null && topic.isCompacted && key !== null;
  const found = isKnownKey
    ? topic.tombstoneBelow(partition, key, offset + 1)
    : bySerial(topic, value ?? key ?? '');
  if (found === undefined) return EARLY;
  if ('kind' in found) return found;
  // A tombstone that is not acknowledged yet: the one before it was found.
  if (isKnownKey && found.offset !== offset) return EARLY;
  if (found.partition !== partition || found.offset !== offset || found.key !== key) {
    return wrong(
      `it says ${partition}:${offset} of ${found.partition}:${found.offset}, key ${key}`,
    );
  }
  return { kind: 'record', record: found, hash: value === null ? null : hashOf(value) };
}

function inText(topic: ProducedTopic, { event, data, id }: Received): Delivery {
  if (event === 'message') {
    const found = bySerial(topic, data);
    if (found === undefined) return EARLY;
    if ('kind' in found) return found;
    return { kind: 'record', record: found, hash: hashOf(data) };
  }
  const key = Buffer.from(data, 'base64url').toString();
  if (!topic.isCompacted) {
    const found = bySerial(topic, key);
    if (found === undefined) return EARLY;
    return 'kind' in found ? found : { kind: 'record', record: found, hash: null };
  }
  // Which tombstone of the key it is, its id says.
  const partition = partitionOf(key);
  const next = cursorOffsets(id).get(partition);
  if (next === undefined) return wrong(`an id without partition ${partition}`);
  const acknowledged = topic.partitions[partition]?.committed.at(-1)?.offset ?? -1;
  const record = topic.tombstoneBelow(partition, key, next);
  if (record === undefined || acknowledged < next - 1) return EARLY;
  return { kind: 'record', record, hash: null };
}

/** The last record of a key that is not in the client's view any more: it names it, or its id does. */
function left(topic: ProducedTopic, format: Format, { data, id }: Received): Delivery {
  const named: Partial<JsonRecord> = format === 'json' ? JSON.parse(data) : {};
  const key = named.key ?? Buffer.from(data, 'base64url').toString();
  const partition = named.partition ?? partitionOf(key);
  const produced = topic.partitions[partition];
  const offset = named.offset ?? (cursorOffsets(id).get(partition) ?? 0) - 1;
  if (produced === undefined || offset < 0)
    return wrong(`it says that ${data} left, with id ${id}`);
  if (offset > (produced.committed.at(-1)?.offset ?? -1)) return EARLY;
  const record = produced.at(offset);
  if (record?.key !== key) return wrong(`it says that ${key} left with ${partition}:${offset}`);
  return { kind: 'record', record, hash: record.hash, hasLeft: true };
}

function bySerial(topic: ProducedTopic, text: string): Produced | Delivery | undefined {
  const serial = serialOf(text);
  if (serial === null) return wrong(`nothing that was produced: ${text.slice(0, 60)}`);
  if (topic.isAborted(serial)) return wrong(`record ${serial} of an aborted transaction`);
  const record = topic.find(serial);
  return record?.fate === 'committed' ? record : undefined;
}

function wrong(why: string): Delivery {
  return { kind: 'wrong', why };
}

/** Of a key that is in one partition alone. */
function partitionOf(key: string): number {
  return Number(/^d(\d+)/.exec(key)?.[1]);
}
