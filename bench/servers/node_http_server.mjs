/**
 * The ceiling in JavaScript: `node:http` and ready bytes. What one read of Kafka brought is one
 * write to each client. No cursor, no history, no limit for slow clients.
 */

import { createServer } from 'node:http';
import process from 'node:process';
import { kafkaFrames } from './kafka_frames.mjs';

/** @type {Set<import('node:http').ServerResponse>} */
const clients = new Set();

createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(':\n\n');
  clients.add(response);
  response.on('close', () => clients.delete(response));
}).listen({ host: '127.0.0.1', port: Number(process.env['HTTP_PORT']), backlog: 4096 });

for await (const frames of kafkaFrames()) {
  const bytes = Buffer.concat(frames);
  for (const client of clients) client.write(bytes);
}
