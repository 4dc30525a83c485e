import type { MiddlewareHandler } from 'hono';

/**
 * Has browsers take every answer for what its type says, never for a script or a page. A stream has
 * the head of the contract and no more; its type is never guessed.
 */
export const noSniffing: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  if (headers.get('content-type') !== 'text/event-stream') {
    headers.set('x-content-type-options', 'nosniff');
  }
};
