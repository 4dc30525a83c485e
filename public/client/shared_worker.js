import { leadWhileUsed, streamKey } from './shared_leader.js';

/** Streams that this worker leads or waits to lead. */
const led = new Set();

addEventListener('connect', (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port?.addEventListener('message', async ({ data: stream }) => {
    const key = streamKey(stream);
    if (led.has(key)) return;
    led.add(key);
    await leadWhileUsed(stream);
    led.delete(key);
  });
  // Unlike `onmessage`, a listener does not begin by itself.
  port?.start();
});
