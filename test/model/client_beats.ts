import type { ClientPlace } from './client_place.ts';

/** Clients that are woken for one beat are woken one after the other: so much nearer may the next one be. */
const TURN_MS = 50;

/** The beat that a client is at, or was at last. */
interface Beat {
  /** Before that nothing more may come. */
  readonly nextAt: number;
  /** What the replica had when it began, which comes with it however long that takes. */
  readonly readUpTo: ArrayLike<number>;
}

/** Holds a client to the beats that it asked for, by the contract alone. */
export class ClientBeats {
  readonly #everyMs: number | null;
  readonly #place: ClientPlace;
  #isLive = false;
  #beat: Beat | null = null;
  /** Since when there was something for it, at the latest. */
  #readyAt = 0;
  #isReady = false;

  /** @param everyMs `null` for none */
  constructor(everyMs: number | null, place: ClientPlace) {
    this.#everyMs = everyMs;
    this.#place = place;
  }

  /** A stream opens, or begins anew. */
  open(): void {
    this.#isLive = false;
    this.#beat = null;
  }

  isLive(now: number): void {
    this.#isLive = true;
    this.#readyAt = now;
  }

  woken(now: number): void {
    if (this.#isReady) this.#readyAt = now;
    this.#isReady = false;
  }

  /** It waits. */
  waits(now: number, readUpTo: ArrayLike<number> | null): void {
    const isHeldBack = this.#beat !== null && now < this.#beat.nextAt;
    // What is read back for it takes its time.
    this.#isReady = isHeldBack || readUpTo === null || !this.#lacksOf(readUpTo);
  }

  /**
   * An array comes, which begins with a block.
   * @param isFree whether what is in it need not wait
   * @returns whether a beat begins
   * @throws when it had to wait
   */
  receive(
    blocks: string,
    readUpTo: ArrayLike<number> | null,
    now: number,
    isFree: boolean,
  ): boolean {
    if (this.#everyMs === null || !this.#isLive || readUpTo === null) return false;
    const isOwed = isFree || /^event:gap$/m.test(blocks);
    // Others have no place of their own, or none that is new.
    const records = blocks.replaceAll(/^event:(live|place|stale|fresh)\ndata:.*$/gm, '');
    if (!/^data:/m.test(records)) return false;
    const beat = this.#beat;
    const isOfBeat = beat !== null && this.#isBelow(beat.readUpTo);
    if (beat !== null && !isOwed) {
      if (isOfBeat) return false;
      const leftMs = beat.nextAt - now;
      if (leftMs > 0) throw new Error(`something came ${leftMs} ms before the next beat`);
    }
    // What need not wait may still be of the beat before, or begin one: the next may come as after either.
    const nextAt = this.#readyAt + this.#everyMs - TURN_MS;
    this.#beat = { nextAt: isOfBeat ? beat.nextAt : nextAt, readUpTo };
    return true;
  }

  #lacksOf(readUpTo: ArrayLike<number>): boolean {
    return Array.from(readUpTo).some(
      (end, number) => this.#place.missing(number, this.#place.next(number), end).length > 0,
    );
  }

  /** It was told no place yet that is past all of it. */
  #isBelow(readUpTo: ArrayLike<number>): boolean {
    return Array.from(readUpTo).some((end, number) => this.#place.next(number) < end);
  }
}
