import type { MiddlewareHandler } from 'hono';

/**
 * Has browsers take every answer for what its type says, never for a script or a page. A stream too:
 * where a page may name a script of this origin, a record's value would run as one.
 */
export const noSniffing: MiddlewareHandler = async (c, next) => {
  await next();
  c.res.headers.set('x-content-type-options', 'nosniff');
};
