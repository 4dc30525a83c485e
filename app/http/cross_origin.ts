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
 * @param methodsOf what may be asked at a path, by a listed origin or by another
 */
export function crossOrigin(
  origins: Config['corsOrigins'],
  methodsOf: (path: string, isListed: boolean) => readonly string[],
): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method === 'OPTIONS') {
      c.res = new Response(null, { status: 204 });
      const methods = methodsOf(c.req.path, isListed(c, origins));
      c.res.headers.set('access-control-allow-methods', methods.join(', '));
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
  if (!isListed(c, origins)) return;
  const origin = c.req.header('origin')!;
  headers.set('access-control-allow-origin', origin);
  if (origin !== 'null') headers.set('access-control-allow-credentials', 'true');
}

function isListed(c: Context, origins: Config['corsOrigins']): boolean {
  return origins !== '*' && origins.includes(c.req.header('origin') ?? '');
}
