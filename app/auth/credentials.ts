/**
 * Where a request has its token.
 *
 * @module
 */

/** Made by `/-/sign-in`: https://datatracker.ietf.org/doc/html/rfc6265bis#name-the-__host-prefix */
export const OWN_COOKIE = '__Host-sse-kafka';
/** https://www.rfc-editor.org/rfc/rfc6750#section-2.3 */
const QUERY_NAME = 'access_token';

const SCHEME = 'bearer ';

/** The token of `Authorization`, where its scheme is Bearer. */
export function bearerOf(request: Request): string | null {
  const authorization = request.headers.get('authorization');
  // Not by a pattern: at each reconnect it takes longer than all the rest of it.
  if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return null;
  return authorization.slice(SCHEME.length).trim();
}

/** The first cookie of that name; an empty one is none. */
export function cookieOf(request: Request, name: string): string | null {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at === -1 || pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    return value.replace(/^"(.*)"$/, '$1') || null;
  }
  return null;
}

/** The token of the query. */
export function queryTokenOf(request: Request): string | null {
  return new URL(request.url).searchParams.get(QUERY_NAME) || null;
}
