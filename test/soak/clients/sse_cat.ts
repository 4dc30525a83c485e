import { follow, GaveUp } from '../../../sse_cat/follower.mjs';
import type { Subscriber, Times } from '../subscriber.ts';
import { TOO_LATE } from './follow.ts';

/**
 * Ends of the program that a good client meets as well: a key that is newer than the gateway's last
 * question for keys, less than 10 s ago, makes a token one that does not count; and where machines
 * have more to do than they can, a request may come too late.
 */
const MET_BY_GOOD_ONES = /twice running|^408 /;

/** What `sse-cat` follows a stream with. Whoever looks after the program begins it again, where it was. */
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
      if (!(error instanceof GaveUp && MET_BY_GOOD_ONES.test(error.message))) {
        throw new Error(`${subscriber.description}: ${error}`);
      }
      if (error.message.startsWith(`${TOO_LATE}`)) subscriber.late();
    }
  }
}
