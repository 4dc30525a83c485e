import { Buffer } from 'node:buffer';
import { constants, crc32 } from 'node:zlib';
import { DeflateRaw } from 'minizlib';
import type { Compressor, Deflater } from '../../app/ports/compression.ts';

/**
 * By `node:zlib`, at once: its own streams answer later, and what it has for calls that answer at once keeps
 * no window (Deno 2.9 takes no dictionary, either). `minizlib`, which npm itself unpacks by, goes the one way
 * that does both, on Node and on Deno.
 */
export const ZLIB: Compressor = {
  deflater: (level) => new ZlibDeflater(level),
  crc32: (bytes, before) => crc32(bytes, before),
};

class ZlibDeflater implements Deflater {
  readonly #stream: DeflateRaw;
  #out: Uint8Array[] = [];

  constructor(level: number) {
    this.#stream = new DeflateRaw({ level, flush: constants.Z_SYNC_FLUSH });
    this.#stream.on('data', (bytes) => this.#out.push(bytes));
  }

  deflate(bytes: Uint8Array): Uint8Array {
    this.#out = [];
    // Not a copy: its type asks for a Buffer.
    this.#stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return this.#out.length === 1 ? this.#out[0]! : Buffer.concat(this.#out);
  }

  reset(): void {
    this.#stream.reset();
  }

  close(): void {
    this.#stream.close();
  }
}
