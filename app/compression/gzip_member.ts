import { combinedCrc, crcShift, GZIP_HEAD, gzipEnd, stored } from '../wire/gzip.ts';
import type { Deflaters } from './deflaters.ts';
import { APART, type SharedDeflate, type Slice } from './shared_deflate.ts';

/** What one client gets, compressed: one gzip member, of which each part can be decoded once it is there. */
export class GzipMember {
  readonly #deflaters: Deflaters;
  /** `null` where nobody gets the same. */
  readonly #shared: SharedDeflate | null;
  readonly #leave: () => void;
  /** Its last slice of the shared stream; `APART` where something else came after that. */
  #at = APART;
  #length = 0;
  /** The checksum of all up to where it joined. */
  #crc = 0;
  /** Those of the shared stream where it joined and where it is, and what it had of it. */
  #crcJoined = 0;
  #crcHere = 0;
  #sharedLength = 0;
  #hasBegun = false;
  #isOver = false;
  #hasLeft = false;

  /** To be made by `Compression` alone. */
  constructor(deflaters: Deflaters, shared: SharedDeflate | null, leave: () => void) {
    this.#deflaters = deflaters;
    this.#shared = shared;
    this.#leave = leave;
  }

  /**
   * The next bytes.
   * @param isShared whether all get this very array who stand at the end of the log, in the same view
   */
  add(plain: Uint8Array, isShared: boolean): Uint8Array {
    this.#length += plain.length;
    const slice = isShared ? (this.#shared?.next(this.#at, plain) ?? null) : null;
    if (slice === null) return this.#begun(this.#alone(plain, isShared));
    this.#follow(slice, plain.length);
    return this.#begun(slice.bytes);
  }

  /** What ends it, once; `null` after that. */
  end(): Uint8Array | null {
    if (this.#isOver) return null;
    this.#isOver = true;
    this.close();
    return this.#begun(gzipEnd(this.#crc, this.#length));
  }

  /** No more is added to it. May be called again. */
  close(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#quit();
    this.#leave();
  }

  #alone(plain: Uint8Array, isShared: boolean): Uint8Array {
    this.#quit();
    const isForOne = !isShared || this.#shared === null || this.#shared.isForOne;
    const piece = this.#deflaters.alone(plain, isForOne);
    this.#crc =
      piece === null
        ? this.#deflaters.crc(plain, this.#crc)
        : combinedCrc(this.#crc, piece.crc, piece.shift);
    return piece === null ? stored(plain) : piece.bytes;
  }

  /** With numbers alone: this is all that a client and slice costs. */
  #follow({ number, crcBefore, crc }: Slice, length: number): void {
    if (number !== this.#at + 1) {
      this.#settle();
      this.#crcJoined = crcBefore;
    }
    this.#at = number;
    this.#crcHere = crc;
    this.#sharedLength += length;
  }

  #quit(): void {
    this.#shared?.quit(this.#at);
    this.#settle();
  }

  /** Its own checksum, out of those of the shared stream. */
  #settle(): void {
    if (this.#at === APART) return;
    // What came before it joined drops out: it is in both.
    const before = (this.#crc ^ this.#crcJoined) >>> 0;
    this.#crc = combinedCrc(before, this.#crcHere, crcShift(this.#sharedLength));
    this.#at = APART;
    this.#sharedLength = 0;
  }

  #begun(bytes: Uint8Array): Uint8Array {
    if (this.#hasBegun) return bytes;
    this.#hasBegun = true;
    const all = new Uint8Array(GZIP_HEAD.length + bytes.length);
    all.set(GZIP_HEAD);
    all.set(bytes, GZIP_HEAD.length);
    return all;
  }
}
