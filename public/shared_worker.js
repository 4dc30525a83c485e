import { leadWhileUsed, streamKey } from './shared_leader.js';

/** Streams that this worker leads or waits to lead. */
const led = new Set();

globalThis.onconnect = ({ ports: [port] }) => {
  port.onmessage = async ({ data: stream }) => {
    const key = streamKey(stream);
    if (led.has(key)) return;
    led.add(key);
    await leadWhileUsed(stream);
    led.delete(key);
  };
};
