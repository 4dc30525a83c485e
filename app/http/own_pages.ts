import type { Config } from '../config/config.ts';

/**
 * Whether a request comes from a page that may use the cookie of whoever looks at it: one of the
 * gateway's own or of a listed origin, or from a program. `SameSite` lets neighbours in: another port,
 * another subdomain.
 *
 * https://www.w3.org/TR/fetch-metadata/
 */
export function isFromOwnPages(
  request: Request,
  { corsOrigins, trustProxy }: Pick<Config, 'corsOrigins' | 'trustProxy'>,
): boolean {
  const { headers } = request;
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if (site === 'same-origin' || site === 'none') return true;
  // `null` is every sandboxed page of anybody, listed or not.
  if (origin !== null && origin !== 'null' && corsOrigins !== '*' && corsOrigins.includes(origin)) {
    return true;
  }
  if (site !== null) return false;
  if (origin === null) return true;
  const forwarded = trustProxy ? headers.get('x-forwarded-host')?.split(',').at(-1)?.trim() : '';
  const host = forwarded || headers.get('host') || new URL(request.url).host;
  return hostOf(origin) === host.toLowerCase();
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
