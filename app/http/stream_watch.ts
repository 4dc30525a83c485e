import type { ClientConnection } from '../ports/client_connection.ts';

/** What the sweep knows of one stream. */
export class StreamWatch {
  /** When it is to end, in milliseconds of `performance.now()`. */
  readonly endsAt: number;
  readonly #connection: ClientConnection;
  #progress = 0;
  /** When something was last taken, or there was nothing to take. */
  #movedAt: number;

  constructor(connection: ClientConnection, now: number, endsAt: number) {
    this.#connection = connection;
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
