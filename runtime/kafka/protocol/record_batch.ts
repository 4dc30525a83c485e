import type { Buffer } from 'node:buffer';
import type { Header, KafkaRecord } from '../../../app/ports/source.ts';
import { decompress } from './decompress.ts';
import { LegacyBatch } from './legacy_batch.ts';
import { crc32c } from './platformatic_on_node20.ts';

/** Offset and length of a batch, which its length does not count. */
const PREFIX_BYTES = 12;
/** All that stands before a batch's records. */
const HEAD_BYTES = 61;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
/** What the checksum covers begins here. */
const CHECKED_AT = 21;
/** The format of Kafka 0.11 and later. */
const MAGIC = 2;
/** The least that a batch of each format has. */
const LEAST_BYTES: Readonly<Record<number, number>> = { 0: 26, 1: 34, [MAGIC]: HEAD_BYTES };

const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

const NO_HEADERS: readonly Header[] = [];
const NOT_AS_LONG = 'a record is not as long as it says';

/**
 * Bytes of the batch at a place of a response; `null` where it is cut.
 * @throws where it is shorter than a batch can be.
 */
export function batchBytes(bytes: Buffer, at: number): Buffer | null {
  if (bytes.length - at <= MAGIC_AT) return null;
  const length = PREFIX_BYTES + bytes.readInt32BE(at + 8);
  const magic = bytes.readInt8(at + MAGIC_AT);
  if (length < (LEAST_BYTES[magic] ?? HEAD_BYTES)) throw new Error(`a batch of ${length} bytes`);
  return bytes.length - at < length ? null : bytes.subarray(at, at + length);
}

/** Records as the producer put them together, one after the other, of whatever format. */
export type Batch = Pick<RecordBatch, keyof RecordBatch>;

/** @throws where it is of an unknown format, or not what was written. */
export function toBatch(partition: number, bytes: Buffer): Batch {
  const magic = bytes.readInt8(MAGIC_AT);
  if (magic === MAGIC) return new RecordBatch(partition, bytes);
  if (magic === 0 || magic === 1) return new LegacyBatch(partition, bytes);
  throw new Error(`message format ${magic} is not read, only 0 to ${MAGIC}`);
}

class RecordBatch {
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly #partition: number;
  readonly #firstOffset: number;
  readonly #attributes: number;
  readonly #timestamp: number;
  #left: number;
  #bytes: Buffer;
  #at = HEAD_BYTES;
  /** Where the record under way ends. */
  #end = 0;

  /** @throws where it is not what was written. */
  constructor(partition: number, bytes: Buffer) {
    if (crc32c(bytes.subarray(CHECKED_AT)) !== bytes.readUInt32BE(CHECKSUM_AT)) {
      throw new Error('the checksum of a batch is wrong, its bytes are not what was written');
    }
    this.#partition = partition;
    this.#bytes = bytes;
    this.#firstOffset = Number(bytes.readBigInt64BE(0));
    this.#attributes = bytes.readInt16BE(21);
    this.lastOffset = this.#firstOffset + bytes.readInt32BE(23);
    if (!(this.#firstOffset >= 0 && this.lastOffset < Number.MAX_SAFE_INTEGER)) {
      throw new Error(`a batch from offset ${this.#firstOffset} to ${this.lastOffset}`);
    }
    const isLogAppendTime = (this.#attributes & LOG_APPEND_TIME) !== 0;
    this.#timestamp = Number(bytes.readBigInt64BE(isLogAppendTime ? 35 : 27));
    this.producerId = bytes.readBigInt64BE(43);
    this.#left = bytes.readInt32BE(57);
  }

  /** Whether it holds the end of a transaction instead of records. */
  get isControl(): boolean {
    return (this.#attributes & CONTROL) !== 0;
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL) !== 0;
  }

  /** The next record, its bytes views; `null` after the last one. */
  next(): KafkaRecord | null {
    if (this.#left === 0) return null;
    if (this.#at === HEAD_BYTES) this.#decompress();
    this.#left--;
    const length = this.#varint();
    this.#end = this.#at + length;
    if (!(length > 0 && this.#end <= this.#bytes.length)) throw new Error(NOT_AS_LONG);
    this.#at++; // attributes: none are in use
    const timestampDelta = this.#varint();
    const offset = this.#firstOffset + this.#varint();
    const key = this.#view();
    const value = this.#view();
    const headers = this.#headers();
    if (this.#at !== this.#end) throw new Error(NOT_AS_LONG);
    if (!(offset >= this.#firstOffset && offset <= this.lastOffset)) {
      throw new Error(`a record of offset ${offset} in a batch up to ${this.lastOffset}`);
    }
    const isLogAppendTime = (this.#attributes & LOG_APPEND_TIME) !== 0;
    const timestamp = isLogAppendTime ? this.#timestamp : this.#timestamp + timestampDelta;
    return { partition: this.#partition, offset, timestamp, key, value, headers };
  }

  #decompress(): void {
    const codec = this.#attributes & COMPRESSION;
    if (codec === 0) return;
    this.#bytes = decompress(codec, this.#bytes.subarray(HEAD_BYTES));
    this.#at = 0;
  }

  #headers(): readonly Header[] {
    const count = this.#varint();
    if (count === 0) return NO_HEADERS;
    const headers: Header[] = [];
    for (let i = 0; i < count; i++) {
      const nameAt = this.#pass(this.#varint());
      headers.push([this.#bytes.toString('utf8', nameAt, this.#at), this.#view()]);
    }
    return headers;
  }

  /** Bytes that stand behind their length; `null` where that is -1. */
  #view(): Uint8Array | null {
    const length = this.#varint();
    if (length === -1) return null;
    const at = this.#pass(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** Goes past so many bytes of the record. @returns where they begin */
  #pass(length: number): number {
    const at = this.#at;
    if (!(length >= 0 && length <= this.#end - at)) throw new Error(NOT_AS_LONG);
    this.#at += length;
    return at;
  }

  /** A zigzag varint; exact to 2^53. */
  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let shift = 7;
    do {
      byte = bytes[this.#at++]!;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80 && shift < 28);
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    // Past 28 bits shifts would lose some.
    let scale = 2 ** 28;
    do {
      byte = bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80 && scale < 2 ** 70);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
