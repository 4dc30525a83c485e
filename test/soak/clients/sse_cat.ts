import { follow, GaveUp } from '../../../sse_cat/follower.mjs';
import type { Subscriber, Times } from '../subscriber.ts';

/**
 * What `sse-cat` follows a stream with. It ends where its token does not count twice running, which
 * happens to a good one as well: its key is newer than the gateway's last question for keys, and that
 * was less than 10 s ago. Whoever looks after the program begins it again, where it was.
 */
export async function followSseCat(
  subscriber: Subscriber,
  origin: string,
  tokenFile: string,
  { over }: Times,
): Promise<void> {
  subscriber.opened();
  await subscriber.plan.pass.keepIn(tokenFile, over);
  while (!over.aborted) {
    const { lastId, path } = subscriber;
    try {
      await follow(new URL(path, origin), {
        headers: new Headers({
          accept: 'text/event-stream',
          ...(lastId === '' ? {} : { 'last-event-id': lastId }),
        }),
        tokenFile,
        trust: { ca: undefined, anyCertificate: true },
        onEvent: (event, data, id) => subscriber.take({ event, data, id }),
        onPieceEnd: async () => {},
        onRetry: (reason) => (/^\d{3} /.test(reason) ? subscriber.refused() : subscriber.opened()),
        signal: over,
      });
    } catch (error) {
      if (!(error instanceof GaveUp && error.message.includes('twice running'))) throw error;
    }
  }
}
