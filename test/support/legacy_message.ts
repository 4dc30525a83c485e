import { Buffer } from 'node:buffer';
import zlib from 'node:zlib';

export interface LegacyMessage {
  readonly offset: number;
  readonly value: Uint8Array | null;
  readonly key?: Uint8Array | null;
  readonly timestamp?: number;
  readonly attributes?: number;
}

function sized(bytes: Uint8Array | null): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.length ?? -1);
  return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
}

/** A message of format 0 or 1, as Kafka wrote it before 0.11, with its checksum. */
export function legacyMessage(magic: number, written: LegacyMessage): Buffer {
  const { offset, key = null, value, timestamp = 5, attributes = 0 } = written;
  const time = Buffer.alloc(magic === 0 ? 0 : 8);
  if (magic > 0) time.writeBigInt64BE(BigInt(timestamp));
  const body = Buffer.concat([Buffer.of(magic, attributes), time, sized(key), sized(value)]);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(body.length + 4, 8);
  head.writeUInt32BE(zlib.crc32(body), 12);
  return Buffer.concat([head, body]);
}
