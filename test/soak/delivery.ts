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
  | { readonly kind: 'record'; readonly record: Produced; readonly hash: number | null }
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
  readonly value: string | null;
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
  if (event !== 'message' && event !== 'delete') return wrong(`an event ${event}`);
  return format === 'json' ? inJson(topic, event, data) : inText(topic, received);
}

function inJson(topic: ProducedTopic, event: string, data: string): Delivery {
  const { partition, offset, key, value }: JsonRecord = JSON.parse(data);
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
  const partition = Number(/^d(\d+)/.exec(key)?.[1]);
  const next = cursorOffsets(id).get(partition);
  if (next === undefined) return wrong(`an id without partition ${partition}`);
  const acknowledged = topic.partitions[partition]?.committed.at(-1)?.offset ?? -1;
  const record = topic.tombstoneBelow(partition, key, next);
  if (record === undefined || acknowledged < next - 1) return EARLY;
  return { kind: 'record', record, hash: null };
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
