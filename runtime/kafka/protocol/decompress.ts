import { Buffer } from 'node:buffer';
import zlib from 'node:zlib';
import { compressionsAlgorithmsByBitmask } from './platformatic_on_node20.ts';

/** Far above what producers put together before it is compressed: a megabyte, unless told otherwise. */
const MAX_BYTES = 100_000_000;

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** Of snappy in the form of xerial, which Java has: a head of 16 bytes, then blocks behind their sizes. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEAD_BYTES = 16;

const LZ4_DESCRIPTOR_AT = 4;
/** Without the size and the dictionary, that it may have. */
const LZ4_HEAD_BYTES = 7;
/** By the number that a frame of LZ4 names. */
const LZ4_BLOCK_BYTES: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
};

/** Deno has it, and Node from 22.15 on. */
interface WithZstd {
  zstdDecompressSync(bytes: Buffer, options: { maxOutputLength: number }): Buffer;
}

/**
 * The records of a batch.
 * @throws where they would take more memory than any producer's do, and where this is no compression.
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const options = { maxOutputLength: MAX_BYTES };
  if (codec === GZIP) return zlib.gunzipSync(bytes, options);
  if (codec === ZSTD) return (zlib as unknown as WithZstd).zstdDecompressSync(bytes, options);
  // These two give as much as they say.
  if (codec === SNAPPY) expectAtMost(snappyBytes(bytes));
  else if (codec === LZ4) expectAtMost(lz4Bytes(bytes));
  else throw new Error(`unknown compression ${codec}`);
  return compressionsAlgorithmsByBitmask[codec]!.decompressSync(bytes);
}

function expectAtMost(size: number): void {
  if (size > MAX_BYTES) throw new Error(`a batch that says it has ${size} bytes`);
}

function snappyBytes(bytes: Buffer): number {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return uvarint(bytes);
  let size = 0;
  for (let at = XERIAL_HEAD_BYTES; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    at += 4;
    size += uvarint(bytes.subarray(at, at + length));
    at += length;
  }
  return size;
}

function uvarint(bytes: Buffer): number {
  let value = 0;
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    value += (bytes[at]! & 0x7f) * 128 ** at;
    if (bytes[at]! < 0x80) return value;
  }
  throw new Error('a size that is cut');
}

function lz4Descriptor(bytes: Buffer): {
  descriptor: number;
  hasSize: boolean;
  hasDictionary: boolean;
} {
  const descriptor = bytes[LZ4_DESCRIPTOR_AT] ?? 0;
  const hasSize = (descriptor & 0b1000) !== 0;
  return { descriptor, hasSize, hasDictionary: (descriptor & 1) !== 0 };
}

/** At the most: a frame tells the size of its largest block. */
function lz4Bytes(bytes: Buffer): number {
  const { descriptor, hasSize, hasDictionary } = lz4Descriptor(bytes);
  const checksumBytes = (descriptor & 0b1_0000) === 0 ? 0 : 4;
  const blockBytes = LZ4_BLOCK_BYTES[(bytes[5] ?? 0) >>> 4] ?? Number.POSITIVE_INFINITY;
  let at = LZ4_HEAD_BYTES + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  let size = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(at) & 0x7fff_ffff;
    if (length === 0) break;
    size += blockBytes;
    at += 4 + length + checksumBytes;
  }
  return size;
}

/**
 * A frame of LZ4 as the clients before Kafka 0.10 made it, with the checksum that its head has to
 * have: theirs counts four bytes too many (https://issues.apache.org/jira/browse/KAFKA-3160).
 */
export function withLz4Checksum(bytes: Buffer): Buffer {
  const { hasSize, hasDictionary } = lz4Descriptor(bytes);
  const at = LZ4_HEAD_BYTES - 1 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  if (at >= bytes.length) throw new Error('a frame that is cut');
  const right = Buffer.from(bytes);
  right[at] = (xxHash32(bytes.subarray(LZ4_DESCRIPTOR_AT, at)) >>> 8) & 0xff;
  return right;
}

/** Of less than 16 bytes: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md */
function xxHash32(bytes: Buffer): number {
  let hash = (0x165667b1 + bytes.length) | 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (hash + Math.imul(bytes.readUInt32LE(at), 0xc2b2ae3d)) | 0;
    hash = Math.imul((hash << 17) | (hash >>> 15), 0x27d4eb2f);
  }
  for (; at < bytes.length; at++) {
    hash = (hash + Math.imul(bytes[at]!, 0x165667b1)) | 0;
    hash = Math.imul((hash << 11) | (hash >>> 21), 0x9e3779b1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d);
  return (hash ^ (hash >>> 16)) >>> 0;
}
