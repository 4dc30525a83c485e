import { within } from './deadline.ts';

/** Asks over a connection of its own: one that is kept may be ended at the moment it is used again. */
export function fetchAlone(url: string, init: RequestInit = {}): Promise<Response> {
  return within(
    `an answer of ${url}`,
    fetch(url, { ...init, headers: { ...init.headers, connection: 'close' } }),
  );
}
