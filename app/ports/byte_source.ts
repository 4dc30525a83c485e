/** Is handed the next bytes of a stream: once, at once or later. */
export interface Receiver {
  receive(bytes: Uint8Array): void;
  /** There are none any more. */
  end(): void;
}

/** What the body of a response is read from. */
export interface ByteSource {
  /** Hands the next bytes over; not called again before it has. */
  next(receiver: Receiver): void;
  /** Nobody reads any more. */
  cancel(): void;
}
