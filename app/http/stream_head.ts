/** The head of every stream, one that is refused included. */
export const STREAM_HEAD = {
  // Exactly this: some clients take a charset for another type.
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers a stream without it.
  'x-accel-buffering': 'no',
};
