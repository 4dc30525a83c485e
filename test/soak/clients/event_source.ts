import { setTimeout as delay } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { within } from '../../support/deadline.ts';
import type { Subscriber, Times } from '../subscriber.ts';
import { awayMs } from '../temper.ts';
import { HEAD_MS, TOO_LATE } from './follow.ts';

const EVENTS = ['message', 'delete', 'leave', 'gap', 'live', 'place', 'expired', 'unauthorized'];

/** npm `eventsource`, which comes back by itself; a restless one is closed and made anew. */
export async function followEventSource(
  subscriber: Subscriber,
  origin: string,
  { calm, over }: Times,
): Promise<void> {
  const { random } = subscriber;
  const isRestless = subscriber.plan.temper === 'restless';
  while (!over.aborted) {
    const url = new URL(subscriber.path, origin);
    if (subscriber.lastId !== '') url.searchParams.set('lastEventId', subscriber.lastId);
    const source = new EventSource(url, {
      fetch: async (input, init) => {
        subscriber.state = 'asking';
        const headers = { ...init.headers, ...(await subscriber.plan.pass.headers()) };
        const answer = fetch(input, { ...init, headers });
        // Node's fetch waits five minutes, also on a connection whose other side has ended.
        return within('a head', answer, HEAD_MS).catch((error: Error) => {
          if (error.message.startsWith('waited')) subscriber.late();
          answer.then(({ body }) => body?.cancel()).catch(() => {});
          throw error;
        });
      },
    });
    const givenUp = new AbortController();
    source.addEventListener('open', () => subscriber.opened());
    // What it does not see as an end is a failure: it would stay away for good.
    source.addEventListener('error', ({ code }) => {
      if (source.readyState === source.CLOSED) givenUp.abort(code);
    });
    for (const event of EVENTS) {
      source.addEventListener(event, ({ data, lastEventId }) =>
        subscriber.take({ event, data, id: lastEventId }),
      );
    }
    const isShort = isRestless && !calm.aborted;
    const ends = [over, givenUp.signal, ...(isShort ? [calm] : [])];
    const lasts = isShort ? random.between(2000, 25_000) : 2 ** 31 - 1;
    await delay(lasts, undefined, { signal: AbortSignal.any(ends) }).catch(() => {});
    source.close();
    const { aborted: isGivenUp, reason: code } = givenUp.signal;
    if (isGivenUp && code !== TOO_LATE) throw new Error(`${subscriber.plan.name} gave up: ${code}`);
    if (isGivenUp) subscriber.late();
    if (!calm.aborted) await delay(awayMs(subscriber), undefined, { signal: over }).catch(() => {});
  }
}
