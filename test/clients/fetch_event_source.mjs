/**
 * npm @microsoft/fetch-event-source. Prints a line of JSON an event.
 *
 *     node fetch_event_source.mjs URL
 */

import process from 'node:process';

// It is made for pages: it closes while one is hidden, and opens again.
const listener = () => {};
const document = { hidden: false, addEventListener: listener, removeEventListener: listener };
Object.assign(globalThis, { window: globalThis, document });
const { fetchEventSource } = await import('@microsoft/fetch-event-source');

await fetchEventSource(process.argv[2] ?? '', {
  openWhenHidden: true,
  onmessage: ({ event, data, id }) => {
    // Blocks without data come, too: heartbeats and the time to come back have no id.
    if (id !== '') console.log(JSON.stringify({ event: event || 'message', data, id }));
  },
  // Without this it takes the end of a stream for the end of all.
  onclose: () => {
    throw new Error('the stream ended: come back');
  },
});
