import type { Compressor, Deflater } from '../ports/compression.ts';
import { crcShift } from '../wire/gzip.ts';

/** Each of them has 260 kB; views beyond are compressed a slice at a time. */
const MAX_SHARED = 64;
/** Of what is compressed once for all who stand at one place. */
const SHARED_LEVEL = 6;
/** Of what may be for one client alone: a third of the time for four fifths of the saving. */
const ALONE_LEVEL = 1;
/** Below these lengths it is not worth the time, for one client or for several. */
const MIN_FOR_ONE = 1024;
const MIN_FOR_SEVERAL = 64;

/** What was compressed, and what the checksum of a whole needs of it. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly crc: number;
  /** What the checksum of all that comes before is multiplied by. */
  readonly shift: number;
}

/** The deflaters of a gateway: one for all that is compressed by itself, and a few with a window. */
export class Deflaters {
  readonly #compressor: Compressor;
  /** What was compressed by itself, for as long as the plain bytes are kept. */
  readonly #alone = new WeakMap<Uint8Array, Piece>();
  #forAlone: Deflater | null = null;
  #taken = 0;

  constructor(compressor: Compressor) {
    this.#compressor = compressor;
  }

  /** One for a view that several clients have; `null` where there are as many as there may be. */
  take(): Deflater | null {
    if (this.#taken >= MAX_SHARED) return null;
    this.#taken++;
    return this.#compressor.deflater(SHARED_LEVEL);
  }

  giveBack(deflater: Deflater): void {
    deflater.close();
    this.#taken--;
  }

  /**
   * By itself: to be decoded without what came before. The same array once, whoever gets it; `null` where it
   * is too short for that.
   */
  alone(plain: Uint8Array, isForOne: boolean): Piece | null {
    if (plain.length < (isForOne ? MIN_FOR_ONE : MIN_FOR_SEVERAL)) return null;
    const known = this.#alone.get(plain);
    if (known !== undefined) return known;
    this.#forAlone ??= this.#compressor.deflater(ALONE_LEVEL);
    this.#forAlone.reset();
    const piece = this.piece(plain, this.#forAlone.deflate(plain));
    this.keepAlone(plain, piece);
    return piece;
  }

  /** Whoever gets the same by itself gets this. */
  keepAlone(plain: Uint8Array, piece: Piece): void {
    this.#alone.set(plain, piece);
  }

  piece(plain: Uint8Array, bytes: Uint8Array): Piece {
    return { bytes, crc: this.crc(plain, 0), shift: crcShift(plain.length) };
  }

  crc(plain: Uint8Array, before: number): number {
    return this.#compressor.crc32(plain, before);
  }
}
