/** Compresses bytes as they come, each at once: what was given before is its window. */
export interface Deflater {
  /**
   * Raw deflate (RFC 1951), flushed: all of it can be decoded once it is there, by whoever has what
   * came before.
   */
  deflate(bytes: Uint8Array): Uint8Array;
  /** Forgets what was given before: what comes next can be decoded without it. */
  reset(): void;
  /** Lets go of its memory, some 260 kB. */
  close(): void;
}

/** Compresses on this runtime. */
export interface Compressor {
  /** @param level from 1, the fastest, to 9 */
  deflater(level: number): Deflater;
  /**
   * The checksum of gzip (RFC 1952).
   * @param before that of what comes before these bytes
   */
  crc32(bytes: Uint8Array, before: number): number;
}
