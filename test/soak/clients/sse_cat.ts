import { follow } from '../../../sse_cat/follower.mjs';
import type { Subscriber, Times } from '../subscriber.ts';

/** What `sse-cat` follows a stream with. */
export async function followSseCat(
  subscriber: Subscriber,
  origin: string,
  { over }: Times,
): Promise<void> {
  subscriber.opened();
  await follow(new URL(subscriber.path, origin), {
    headers: new Headers(),
    trust: { ca: undefined, anyCertificate: true },
    onEvent: (event, data, id) => subscriber.take({ event, data, id }),
    onPieceEnd: async () => {},
    onRetry: (reason) => (/^\d{3} /.test(reason) ? subscriber.refused() : subscriber.opened()),
    signal: over,
  });
}
