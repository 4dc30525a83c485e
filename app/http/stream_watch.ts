import type { ClientConnection } from '../ports/client_connection.ts';

/** Whom a stream is for. */
export interface Asker {
  /** Where it was asked for. */
  readonly path: string;
  /** The claim of that name; null where there is none. */
  readonly sub: string | null;
  /** When the token is over, Unix milliseconds; null: never. */
  readonly expiresAt: number | null;
}

/** The last part of a token's life: of what is left of it, and at the most. */
const EXPIRY_SHARE = 0.1;
const MAX_EXPIRY_MS = 60_000;

/** How a stream ends with the token of its client. In milliseconds of Unix time. */
export class Expiry {
  /** When it is told and ends where a block ends, at random: not all that came at once. */
  readonly endsAt: number;
  /** When it is cut, wherever it is. */
  readonly cutsAt: number;
  /** Whether there is a timer for the one, and for the other. */
  isEndTimed = false;
  isCutTimed = false;

  /** @param expiresAt when the token is over */
  constructor(expiresAt: number, now: number) {
    const lastPart = Math.min((expiresAt - now) * EXPIRY_SHARE, MAX_EXPIRY_MS);
    // Not in the very last moment: what is told takes its time, too.
    this.endsAt = expiresAt - lastPart * (0.1 + 0.9 * Math.random());
    this.cutsAt = expiresAt;
  }
}

/** What is known of one stream beside itself. */
export class StreamWatch {
  /** No other of this process has it. */
  readonly number: number;
  readonly asker: Asker;
  /** Null where its client need not be signed in. */
  readonly expiry: Expiry | null;
  /** When it began, in Unix milliseconds. */
  readonly since: number = Date.now();
  /** The same in milliseconds of `performance.now()`. */
  readonly openedAt: number;
  /** When it is to end, as above. */
  readonly endsAt: number;
  readonly #connection: ClientConnection;
  #progress = 0;
  /** When something was last taken, or there was nothing to take. */
  #movedAt: number;

  constructor(
    number: number,
    asker: Asker,
    connection: ClientConnection,
    now: number,
    endsAt: number,
  ) {
    const { expiresAt } = asker;
    this.number = number;
    this.asker = asker;
    this.expiry = expiresAt === null ? null : new Expiry(expiresAt, Date.now());
    this.#connection = connection;
    this.openedAt = now;
    this.#movedAt = now;
    this.endsAt = endsAt;
  }

  /** Whether the client has all that was handed over. */
  get hasTakenAll(): boolean {
    return this.#connection.pendingBytes === 0;
  }

  /**
   * Looks how far the client is.
   * @returns for how long it has taken nothing while there was something to take, milliseconds
   */
  look(now: number): number {
    const progress = this.#connection.measureProgress();
    if (this.hasTakenAll || progress !== this.#progress) {
      this.#progress = progress;
      this.#movedAt = now;
    }
    return now - this.#movedAt;
  }

  cut(): void {
    this.#connection.cut();
  }
}
