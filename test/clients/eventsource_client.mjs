/**
 * npm eventsource-client. Prints a line of JSON an event.
 *
 *     node eventsource_client.mjs URL
 */

import process from 'node:process';
import { createEventSource } from 'eventsource-client';

const source = createEventSource({
  url: process.argv[2] ?? '',
  onMessage: ({ event = 'message', data, id = '' }) =>
    console.log(JSON.stringify({ event, data, id })),
  // It ends for good at 204 alone, and lets the process end then.
  onDisconnect: () => source.readyState === 'closed' && process.exit(),
});
