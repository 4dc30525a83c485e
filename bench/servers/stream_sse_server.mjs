/**
 * An afternoon's work by a careful person: Hono's `streamSSE`, one consumer for all clients, each
 * record encoded once, each write awaited so that no client is written to faster than it reads.
 */

import process from 'node:process';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { kafkaFrames } from './kafka_frames.mjs';

/** @type {Set<import('hono/streaming').SSEStreamingApi>} */
const clients = new Set();

const app = new Hono();
app.get('/*', (c) =>
  streamSSE(c, async (stream) => {
    await stream.write(':\n\n');
    clients.add(stream);
    await new Promise((aborted) => stream.onAbort(() => aborted(null)));
    clients.delete(stream);
  }),
);
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['HTTP_PORT']) });

for await (const frames of kafkaFrames()) {
  for (const bytes of frames) {
    await Promise.all([...clients].map((client) => client.write(bytes)));
  }
}
