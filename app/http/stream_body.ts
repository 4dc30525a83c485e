import type { ByteSource } from '../ports/byte_source.ts';

/** Nothing is pulled before it is asked for. */
export const PULL_ONLY: QueuingStrategy<Uint8Array> = { highWaterMark: 0 };

/** A source as any `ReadableStream` takes one. */
export function pulledFrom(source: ByteSource): UnderlyingDefaultSource<Uint8Array> {
  return {
    pull: (controller) =>
      new Promise((resolve) => {
        source.next({
          receive(bytes) {
            controller.enqueue(bytes);
            resolve();
          },
          end() {
            controller.close();
            resolve();
          },
        });
      }),
    cancel: () => source.cancel(),
  };
}
