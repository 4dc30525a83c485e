import type { Buffer } from 'node:buffer';
import zlib from 'node:zlib';
import type { Header, KafkaRecord } from '../../../app/ports/source.ts';
import { decompress, withLz4Checksum } from './decompress.ts';

/** Offset and length of a message, which its length does not count. */
const PREFIX_BYTES = 12;
const CHECKSUM_AT = 12;
/** What the checksum covers begins here. */
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 17;
const TIMESTAMP_AT = 18;

const COMPRESSION = 0b111;
const LZ4 = 3;
const LOG_APPEND_TIME = 1 << 3;

const NO_HEADERS: readonly Header[] = [];
const NO_TIMESTAMP = -1;

/**
 * A message of the formats before Kafka 0.11, 0 and 1, which a topic keeps that was written so long
 * ago: one record, or several compressed as its value.
 * https://kafka.apache.org/documentation/#messageset
 */
export class LegacyBatch {
  readonly lastOffset: number;
  readonly producerId = -1n;
  readonly isControl = false;
  readonly isTransactional = false;
  readonly #partition: number;
  readonly #message: Message;
  /** Those that are compressed in it, once the first is asked for. */
  #inner: Iterator<KafkaRecord> | null = null;

  /** @throws where it is not what was written. */
  constructor(partition: number, bytes: Buffer) {
    this.#partition = partition;
    this.#message = new Message(bytes);
    this.lastOffset = this.#message.offset;
    if (!(this.lastOffset >= 0 && this.lastOffset < Number.MAX_SAFE_INTEGER)) {
      throw new Error(`a message of offset ${this.lastOffset}`);
    }
  }

  /** The next record, its bytes views; `null` after the last one. */
  next(): KafkaRecord | null {
    this.#inner ??= this.#records();
    const { done, value } = this.#inner.next();
    return done ? null : value;
  }

  *#records(): Generator<KafkaRecord> {
    const { codec, magic, timestamp, isLogAppendTime } = this.#message;
    if (codec === 0) {
      yield toRecord(this.#partition, this.lastOffset, timestamp, this.#message);
      return;
    }
    const messages = [...innerMessages(this.#message)];
    // Format 1 counts from the first that was sent; those before the last one may be compacted away.
    const first = magic === 0 ? 0 : this.lastOffset - (messages.at(-1)?.offset ?? 0);
    let before = -1;
    for (const message of messages) {
      const offset = first + message.offset;
      if (!(offset > before && offset <= this.lastOffset)) {
        throw new Error(`a record of offset ${offset} in a message of offset ${this.lastOffset}`);
      }
      before = offset;
      const time = isLogAppendTime ? timestamp : message.timestamp;
      yield toRecord(this.#partition, offset, time, message);
    }
  }
}

function* innerMessages({ codec, magic, value }: Message): Generator<Message> {
  if (value === null) throw new Error('a compressed message without a value');
  const set = decompress(codec, codec === LZ4 && magic === 0 ? withLz4Checksum(value) : value);
  for (let at = 0; at < set.length; ) {
    const end = set.length - at < PREFIX_BYTES ? -1 : at + PREFIX_BYTES + set.readInt32BE(at + 8);
    if (!(end > at && end <= set.length)) throw new Error('a message is not as long as it says');
    const message = new Message(set.subarray(at, end));
    if (message.magic !== magic || message.codec !== 0) {
      throw new Error(`a message of another kind in one of format ${magic}`);
    }
    yield message;
    at = end;
  }
}

function toRecord(
  partition: number,
  offset: number,
  timestamp: number,
  { key, value }: Message,
): KafkaRecord {
  return { partition, offset, timestamp, key, value, headers: NO_HEADERS };
}

class Message {
  readonly offset: number;
  readonly magic: number;
  readonly codec: number;
  readonly isLogAppendTime: boolean;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;

  constructor(bytes: Buffer) {
    if (zlib.crc32(bytes.subarray(MAGIC_AT)) !== bytes.readUInt32BE(CHECKSUM_AT)) {
      throw new Error('the checksum of a message is wrong, its bytes are not what was written');
    }
    this.offset = Number(bytes.readBigInt64BE(0));
    this.magic = bytes.readInt8(MAGIC_AT);
    const attributes = bytes.readInt8(ATTRIBUTES_AT);
    this.codec = attributes & COMPRESSION;
    this.isLogAppendTime = this.magic > 0 && (attributes & LOG_APPEND_TIME) !== 0;
    this.timestamp = this.magic > 0 ? Number(bytes.readBigInt64BE(TIMESTAMP_AT)) : NO_TIMESTAMP;
    const keyAt = TIMESTAMP_AT + (this.magic > 0 ? 8 : 0);
    this.key = sized(bytes, keyAt);
    const valueAt = keyAt + 4 + (this.key?.length ?? 0);
    this.value = sized(bytes, valueAt);
    if (valueAt + 4 + (this.value?.length ?? 0) !== bytes.length) {
      throw new Error('a message is not as long as it says');
    }
  }
}

/** Bytes that stand behind their length; `null` where that is -1. */
function sized(bytes: Buffer, at: number): Buffer | null {
  const length = bytes.readInt32BE(at);
  if (length === -1) return null;
  const end = at + 4 + length;
  if (!(length >= 0 && end <= bytes.length)) throw new Error('a message is not as long as it says');
  return bytes.subarray(at + 4, end);
}
