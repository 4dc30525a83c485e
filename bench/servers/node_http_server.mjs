/**
 * The ceiling in JavaScript: `node:http` and ready bytes. What one read of Kafka brought is one
 * write to each client. No cursor, no history, no limit for slow clients. Whoever asks for gzip gets it as most
 * servers do it: each client has a compression of its own.
 */

import { createServer } from 'node:http';
import process from 'node:process';
import { createGzip, constants as zlib } from 'node:zlib';
import { kafkaFrames } from './kafka_frames.mjs';

/** @type {Set<import('node:stream').Writable>} */
const clients = new Set();

createServer((request, response) => {
  const isCompressed = request.headers['accept-encoding'] === 'gzip';
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
  });
  const client = isCompressed ? createGzip({ flush: zlib.Z_SYNC_FLUSH }) : response;
  if (client !== response) client.pipe(response);
  client.write(':\n\n');
  clients.add(client);
  response.on('close', () => clients.delete(client));
}).listen({ host: '127.0.0.1', port: Number(process.env['HTTP_PORT']), backlog: 4096 });

for await (const frames of kafkaFrames()) {
  const bytes = Buffer.concat(frames);
  for (const client of clients) client.write(bytes);
}
