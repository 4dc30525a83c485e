import type { Deflater } from '../ports/compression.ts';
import { combinedCrc } from '../wire/gzip.ts';
import type { Deflaters } from './deflaters.ts';

/** Slices after which those who are apart join again, however few they are. */
const MAX_BETWEEN_KEYS = 200;

/** Where a client stands that is not at the end of the shared stream. */
export const APART = 0;

/** A slice of it, for a client that can decode it. */
export interface Slice {
  readonly bytes: Uint8Array;
  /** Where the client is once it has it. */
  readonly number: number;
  /** The checksum of all slices before it, and with it: what a client had is told by two of them. */
  readonly crcBefore: number;
  readonly crc: number;
}

interface Last extends Slice {
  readonly plain: Uint8Array;
  /** Whether it can be decoded without what came before. */
  readonly isKey: boolean;
}

/**
 * One stream of deflate for all clients of a view. Who has had its slices since a key, and nothing
 * between them, is with it, and gets the next one compressed with all of them as its window. Whoever
 * has had something alone is apart: its window is another one. It gets slices that were
 * compressed by themselves, once for all who are apart, and joins at the next key: a slice that needs no window.
 *
 * A key costs those who are with it what its window would have saved, once; to be apart costs that with each slice.
 * So a key is due once slices were had apart as often as there are clients who are with it, at which all
 * together send at most twice of what would have been the least.
 */
export class SharedDeflate {
  readonly #deflaters: Deflaters;
  #clients = 0;
  /** `null` as long as one client alone has the view, nothing has come, or there are too many others. */
  #deflater: Deflater | null = null;
  #last: Last | null = null;
  /** Counts slices, also over several deflaters; above `APART`. */
  #number = 1;
  #crc = 0;
  /** Clients that have the last slice, and nothing after it. */
  #atEnd = 0;
  #sinceKey = 0;
  /** Slices that were had apart since the last key; of the newest, those before anybody had it from here. */
  #apart = 0;
  #early = 0;

  constructor(deflaters: Deflaters) {
    this.#deflaters = deflaters;
  }

  /** Whether one client alone has the view. */
  get isForOne(): boolean {
    return this.#clients < 2;
  }

  join(): void {
    this.#clients++;
  }

  /** @returns how many are left */
  leave(): number {
    this.#clients--;
    if (this.isForOne) this.#close();
    return this.#clients;
  }

  /**
   * The next slice for a client.
   * @param at where it stands
   * @param plain what all get who stand at the end of the log
   * @returns `null` where it is apart from now on
   */
  next(at: number, plain: Uint8Array): Slice | null {
    if (this.isForOne) return null;
    this.#deflater ??= this.#deflaters.take();
    if (this.#deflater === null) return null;
    const isAtEnd = at === this.#number;
    if (!isAtEnd && this.#last?.plain === plain) {
      if (this.#last.isKey || (at !== APART && at === this.#number - 1)) {
        this.#atEnd++;
        return this.#last;
      }
      this.#apart++;
      return null;
    }
    if (isAtEnd) return this.#append(this.#deflater, plain, this.#isKeyDue && this.#early === 0);
    // Whoever comes first has it for all: else those who always do would never join.
    if (this.#isKeyDue) return this.#append(this.#deflater, plain, true);
    this.#apart++;
    this.#early++;
    return null;
  }

  /** A client that stood there has gone, or is apart. */
  quit(at: number): void {
    if (at === this.#number && this.#last !== null) this.#atEnd--;
  }

  get #isKeyDue(): boolean {
    if (this.#atEnd === 0 || this.#apart >= this.#atEnd) return true;
    return this.#apart > 0 && this.#sinceKey >= MAX_BETWEEN_KEYS;
  }

  #append(deflater: Deflater, plain: Uint8Array, isKey: boolean): Slice {
    if (isKey) deflater.reset();
    const piece = this.#deflaters.piece(plain, deflater.deflate(plain));
    if (isKey) this.#deflaters.keepAlone(plain, piece);
    const { bytes, crc, shift } = piece;
    const crcBefore = this.#crc;
    this.#crc = combinedCrc(crcBefore, crc, shift);
    this.#number++;
    this.#last = { bytes, number: this.#number, crcBefore, crc: this.#crc, plain, isKey };
    this.#atEnd = 1;
    this.#sinceKey = isKey ? 0 : this.#sinceKey + 1;
    if (isKey) this.#apart = 0;
    this.#early = 0;
    return this.#last;
  }

  #close(): void {
    if (this.#deflater === null) return;
    this.#deflaters.giveBack(this.#deflater);
    this.#deflater = null;
    // Nobody stands at its end.
    this.#number++;
    this.#last = null;
    this.#atEnd = 0;
    this.#apart = 0;
    this.#early = 0;
  }
}
