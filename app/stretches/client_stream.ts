/** What one client gets, of one topic or of several: the body of its answer is read from it. */
export interface ClientStream {
  /**
   * The next bytes, whole blocks where they fit 64 kB; `null` where the client has all there is.
   * @param isIdle whether nothing came for long: then it is told where it is, if its last id does not
   */
  take(isIdle?: boolean): Uint8Array | null;
  /** Calls `wake` once, as soon as `take` may have something. */
  wait(wake: () => void): void;
  close(): void;
  /** What its client is told once its token is over: with where it is, if that is known yet. */
  expired(): Uint8Array;
  /**
   * What was taken last was handed over.
   * @param plain how many bytes it is to the client
   */
  sent(bytes: number, plain: number): void;
  /** Whether what was taken last ends within a block. */
  readonly isWithinBlock: boolean;
  /** Whether all who stand at the end, in the same view, got the array that was taken last. */
  readonly isShared: boolean;
  /** Whether all has been taken that is to come. */
  readonly isOver: boolean;
  /** Whether its client's last id will soon be too old. */
  readonly isAgeing: boolean;
  /**
   * How many records it has yet to get, by offsets: holes in them count; `null` before its start is
   * known.
   */
  readonly behind: number | null;
  /** The id where it will be over, at the least; `null` before that is known, and once it is over. */
  readonly endId: string | null;
  /** What all clients of its topics were sent: blocks that a browser makes an event of. */
  readonly eventsSent: number;
}
