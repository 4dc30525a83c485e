import type { RefusalReason } from '../ports/stream_observer.ts';
import { randomBetween } from './random_between.ts';

/** When a client comes back whose stream has ended, in milliseconds: at random, so that a crowd is spread. */
export function retryOfStream(): number {
  return randomBetween(1000, 3000);
}

/** When one comes back that was not let in; soon where another gateway may have room. */
export function retryOfRefusal(reason: RefusalReason): number {
  return reason === 'drain' ? randomBetween(1000, 3000) : randomBetween(10_000, 20_000);
}
