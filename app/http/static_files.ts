/** A file of the browser client, read once at start. */
export interface StaticFile {
  /** The value of `content-type`. */
  readonly type: string;
  /** A strong entity tag, quotes included. */
  readonly etag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Every file that is served, by its decoded path (`/index.html`; `/` is that file, too). What is
 * not in here cannot be had, whatever a path says: there is no way out of a map.
 */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

/** No script or style but our own files; event streams may come from anywhere. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "connect-src 'self' http: https:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

/**
 * Answers GET and HEAD of a static file: 200, or 304 where `If-None-Match` has its tag.
 * @returns null for a path that names no file; the 404 is the caller's.
 */
export function staticFileResponse(files: StaticFiles, request: Request): Response | null {
  const file = files.get(decodePath(new URL(request.url).pathname) ?? '');
  if (file === undefined) return null;
  const headers = new Headers({
    'cache-control': 'no-cache',
    etag: file.etag,
    'referrer-policy': 'no-referrer',
  });
  if (file.type.startsWith('text/html')) {
    headers.set('content-security-policy', CONTENT_SECURITY_POLICY);
    headers.set('cross-origin-opener-policy', 'same-origin');
    // For browsers that do not know `frame-ancestors`.
    headers.set('x-frame-options', 'DENY');
  }
  if (hasTag(request.headers.get('if-none-match'), file.etag)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set('content-type', file.type);
  headers.set('content-length', String(file.bytes.byteLength));
  return new Response(request.method === 'HEAD' ? null : file.bytes, { headers });
}

/** Decoded once: `%252e` is a name with a percent sign, never a dot. Null where malformed. */
function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** Weak comparison, as https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match asks for. */
function hasTag(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === '*') return true;
  // Not split at commas: a tag may contain one.
  return ifNoneMatch.match(/"[^"]*"/g)?.includes(etag) ?? false;
}
