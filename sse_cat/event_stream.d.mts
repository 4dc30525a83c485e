/** What stands between two blank lines of a stream. */
export interface Block {
  /** `message` where the block names none. */
  readonly type: string;
  /** `null` where it has none: no event then. */
  readonly data: string | null;
  readonly id?: string;
  /** The server's wish for the time before the next connection, in milliseconds. */
  readonly retry?: number;
}

/**
 * A parser for one connection, after
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 *
 * Why not `eventsource-parser` (3.1): it tells no id of a block without data. The gateway sends
 * such blocks (the start of a `since` stream, records without key and value), and a client that
 * misses their ids comes back at the wrong place. And without it the package depends on nothing.
 */
export class BlockParser {
  /**
   * The blocks that these bytes end, cut anywhere. What no blank line has ended is never told.
   * @throws RangeError where a block grows over 64 Mi characters
   */
  feed(bytes: Uint8Array): Generator<Block, void>;
}

/** When to come back after a stream has ended. */
export class Comeback {
  /** The server's wish, by `retry:`. */
  retryMs: number;
  /** @param id where the stream begins */
  begin(id: string): void;
  /**
   * How long to wait, in milliseconds: what the server wishes, and a back-off at random.
   * @param id where the stream has ended
   * @param askedMs by `Retry-After`
   */
  wait(id: string, askedMs?: number): number;
}

/** Milliseconds that `Retry-After` asks for, in seconds or as a date. */
export function retryAfterMs(after: string | null | undefined): number | undefined;
