import { setTimeout as delay } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import type { Subscriber, Times } from '../subscriber.ts';
import { awayMs } from '../temper.ts';

const EVENTS = ['message', 'delete', 'gap', 'live', 'place', 'expired', 'unauthorized'];

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
        const headers = { ...init.headers, ...(await subscriber.plan.pass.headers()) };
        return fetch(input, { ...init, headers });
      },
    });
    source.addEventListener('open', () => subscriber.opened());
    for (const event of EVENTS) {
      source.addEventListener(event, ({ data, lastEventId }) =>
        subscriber.take({ event, data, id: lastEventId }),
      );
    }
    const end = isRestless && !calm.aborted ? AbortSignal.any([calm, over]) : over;
    const lasts = end === over ? 2 ** 31 - 1 : random.between(2000, 25_000);
    await delay(lasts, undefined, { signal: end }).catch(() => {});
    // What it does not see as an end is a failure: it would stay away for good.
    const isGivenUp = source.readyState === source.CLOSED;
    source.close();
    if (isGivenUp) throw new Error(`${subscriber.plan.name} gave up`);
    if (!calm.aborted) await delay(awayMs(subscriber), undefined, { signal: over }).catch(() => {});
  }
}
