import { createPlatformaticSource } from './kafka/fetching/platformatic.ts';
import { HeldBackResponse, readInPieces } from './server/deno_http2.ts';
import { listen } from './server/listen.ts';
import type { RuntimeAdapter } from './serving.ts';

/**
 * Listens by the same code as Node, on Deno's node:http and node:http2, and not by `Deno.serve`,
 * which has 200 streams an HTTP/2 connection, no limit for the size or the slowness of a request's
 * head, and no sight of a connection to close or to cut.
 *
 * Nor is `Deno.serve` cheaper. Measured with Deno 2.9.6 and 1,000 clients, 40 events a second: 12.6
 * CPU-seconds a million events against 12.7, ten events at once 1.43 against 1.39, and 58 to 63 kB a
 * client against 42 to 44.
 */
export const DENO: RuntimeAdapter = {
  name: 'deno',
  createSource: createPlatformaticSource,
  listen: (options) => listen(options, { Response: HeldBackResponse, prepare: readInPieces }),
};
