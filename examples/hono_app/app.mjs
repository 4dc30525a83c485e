// The gateway below /streams of a Hono app: node app.mjs, or deno run --allow-all app.mjs
import process from 'node:process';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { CountedSlots, createGateway, parseConfig } from '../../dist/app/mod.js';
import { kafkaConnection } from '../../dist/runtime/kafka/brokers/kafka_connection.js';
import { createPlatformaticSource } from '../../dist/runtime/kafka/fetching/platformatic.js';

const { KAFKA_BROKERS = 'localhost:9092', TOPICS = 'events', PORT = '3000' } = process.env;
const config = parseConfig({ KAFKA_BROKERS, TOPICS });
const source = createPlatformaticSource(kafkaConnection(config));
const gateway = createGateway(config, source, new Map(), new CountedSlots(config));

/** What the gateway has to know of a client, to let go of one that takes nothing. */
const connectionOf = ({ socket }) => ({
  address: socket.remoteAddress ?? '',
  get pendingBytes() {
    return socket.writableLength;
  },
  measureProgress: () => socket.bytesWritten - socket.writableLength,
  letGo() {},
  cut: () => socket.destroy(),
});

const app = new Hono();
app.get('/', (c) => c.text('The application itself\n'));
app.mount('/streams', (request, { incoming }) => gateway.fetch(request, connectionOf(incoming)));

const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`Listening on ${port}`);
});
const stop = new AbortController();
process.once('SIGTERM', async () => {
  server.close();
  await gateway.drain(1000);
  stop.abort();
});
await gateway.run(stop.signal);
await source.close();
