import type { Context, MiddlewareHandler } from 'hono';
import type { Config } from '../config/config.ts';

/** How long a browser may keep the answer to a preflight: two hours, the most that Chromium does. */
const PREFLIGHT_SECONDS = 7200;
const REQUEST_HEADERS = 'Last-Event-ID, Cache-Control, Authorization';
/** What scripts may read beside what they always may. */
const EXPOSED_HEADERS = 'Retry-After, WWW-Authenticate, ETag';

/**
 * Tells browsers whose pages may read the answers, and answers preflights.
 *
 * A listed origin may send its cookies along, which `*` may not: a browser refuses the two together.
 * `null` may not, either: every sandboxed page of anybody has it.
 */
export function crossOrigin(origins: Config['corsOrigins'], methods: string): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method === 'OPTIONS') {
      c.res = new Response(null, { status: 204 });
      c.res.headers.set('access-control-allow-methods', methods);
      c.res.headers.set('access-control-allow-headers', REQUEST_HEADERS);
      c.res.headers.set('access-control-max-age', `${PREFLIGHT_SECONDS}`);
    } else {
      await next();
      c.res.headers.set('access-control-expose-headers', EXPOSED_HEADERS);
    }
    allowOrigin(c, origins);
  };
}

function allowOrigin(c: Context, origins: Config['corsOrigins']): void {
  const { headers } = c.res;
  if (origins === '*') {
    headers.set('access-control-allow-origin', '*');
    return;
  }
  headers.append('vary', 'Origin');
  const origin = c.req.header('origin');
  if (origin === undefined || !origins.includes(origin)) return;
  headers.set('access-control-allow-origin', origin);
  if (origin !== 'null') headers.set('access-control-allow-credentials', 'true');
}
