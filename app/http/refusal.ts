import type { Context } from 'hono';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { RefusalReason } from '../ports/stream_observer.ts';
import { retryFrame } from '../wire/frame.ts';
import { retryOfRefusal } from './retry.ts';
import { STREAM_HEAD } from './stream_head.ts';

/** Status and words for those who are not a browser's EventSource. */
const ANSWERS = {
  max_connections: [503, 'All streams of this gateway are taken'],
  max_connections_per_ip: [429, 'Your address has as many streams open as it may'],
  max_views: [503, 'As many different filters are open as there may be'],
  drain: [503, 'This gateway is about to end'],
} as const satisfies Record<RefusalReason, readonly [number, string]>;

/**
 * Answers a stream that is not let in. An EventSource gives up for good on any status but 200, so
 * it gets a stream that ends at once and tells it when to come back: at random, so that a crowd is
 * spread, and soon where another gateway may have room.
 */
export function refuse(
  c: Context<{ Bindings: ClientConnection }>,
  reason: RefusalReason,
): Response {
  // By the same connection it would find this gateway again, which may stay full.
  if (reason === 'max_connections' || reason === 'max_views') c.env.letGo();
  const retryMs = retryOfRefusal(reason);
  if (wantsEvents(c))
    return c.body(retryFrame(retryMs) as Uint8Array<ArrayBuffer>, 200, STREAM_HEAD);
  const [status, why] = ANSWERS[reason];
  const seconds = Math.ceil(retryMs / 1000);
  return c.text(`${why}; try again in ${seconds} s\n`, status, { 'retry-after': `${seconds}` });
}

/** Whether it is a browser's EventSource that asks, as far as can be told. */
export function wantsEvents(c: Context): boolean {
  return names(c, 'text/event-stream');
}

/** Whether `Accept` has a type by its name. */
export function names(c: Context, type: string): boolean {
  const accepted = c.req.header('accept')?.toLowerCase().split(',') ?? [];
  return accepted.some((range) => range.split(';')[0]!.trim() === type);
}
