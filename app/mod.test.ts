import { afterEach, expect, test } from '@jest/globals';
import { Hono } from 'hono';
import {
  type ClientConnection,
  CountedSlots,
  createGateway,
  parseConfig,
  type RecordSource,
} from './mod.ts';

const end = new AbortController();
afterEach(() => end.abort());

const decoder = new TextDecoder();
const TOPIC = {
  name: 'orders',
  id: Uint8Array.of(1, 2, 3, 4),
  partitions: 1,
  compacted: false,
  deletes: true,
  deleteRetentionMs: null,
};
const QUESTIONS: RecordSource['forClients'] = {
  describe: () => Promise.resolve(TOPIC),
  offsets: () => Promise.resolve(new Map([[0, 0]])),
};
/** A Kafka with one record, which is written once the topic is read. */
const SOURCE: RecordSource = {
  ...QUESTIONS,
  forClients: QUESTIONS,
  async *read(_, __, signal) {
    const value = new TextEncoder().encode('one');
    const record = { partition: 0, offset: 0, timestamp: 0, key: null, value, headers: [] };
    yield { records: [record], positions: new Map([[0, 1]]) };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
  status: () => ({ up: true, error: null }),
  close: () => Promise.resolve(),
};
const CONNECTION: ClientConnection = {
  address: '192.0.2.1',
  pendingBytes: 0,
  measureProgress: () => 0,
  letGo() {},
  cut() {},
};

test('createGateway() makes what can be mounted in any Hono app', async () => {
  const config = parseConfig({ KAFKA_BROKERS: 'kafka:9092', TOPICS: 'orders' });
  const gateway = createGateway(config, SOURCE, new Map(), new CountedSlots(config));
  const app = new Hono();
  app.get('/', (c) => c.text('the app'));
  app.mount('/streams', (request) => gateway.fetch(request, CONNECTION));
  void gateway.run(end.signal);

  expect(await (await app.request('/')).text()).toBe('the app');
  expect((await app.request('/streams/nothing')).status).toBe(404);
  const response = await app.request('/streams/orders');
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream',
  ]);
  let text = '';
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes);
    if (text.includes('data:')) break;
  }
  expect(text).toMatch(/^retry:\d+\n\ndata:one\nid:AgECAwQCAAI=\n\n$/);
});
