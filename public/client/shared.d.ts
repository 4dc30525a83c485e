import type { Connection, ConnectOptions, Content } from './client.js';

/**
 * As `connect()`, with one stream for all tabs of the page's origin that ask for the same address:
 * in a SharedWorker where it can be started, which takes that this file is of the page's own origin
 * (copy it, with the files that it imports, where the page is served elsewhere), else in one of the
 * tabs. A tab begins on a stream of its own and moves over to the common one; where that is lost, it
 * goes on by itself. With `token` it is always in a tab; all tabs with `token` that share it have to
 * be of one user, as with a cookie. Who iterates keeps a stream of its own, because it stops it. The tab that
 * has the stream may be frozen: the others go on by themselves then. `whileHidden` is for the stream
 * of a tab alone. It needs a secure context: https, or localhost.
 */
export function shared<Value = Content>(
  url: string | URL,
  options?: ConnectOptions<Value>,
): Connection<Value>;
