import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryKafka } from '../test/host/memory_kafka.ts';
import { MemorySource } from '../test/host/memory_source.ts';
import { eventually, within } from '../test/support/deadline.ts';
import { Logged } from '../test/support/logged.ts';
import { IS_ALL } from '../test/support/tier.ts';
import { parseStreamsFile } from './channels/streams_file.ts';
import { parseConfig } from './config/config.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { CountedSlots } from './http/stream_slots.ts';
import type { ByteSource } from './ports/byte_source.ts';
import type { ClientConnection } from './ports/client_connection.ts';

const CONNECTION: ClientConnection = {
  address: '192.0.2.1',
  pendingBytes: 0,
  measureProgress: () => 0,
  letGo() {},
  cut() {},
};

let kafka: MemoryKafka;
let gateway: Gateway;
let end: AbortController;

beforeEach(() => {
  kafka = new MemoryKafka();
  for (const topic of ['orders', 'prices']) kafka.create(topic, '01020304', 1, {});
  // Streams are looked at eight times in it.
  const env = { KAFKA_BROKERS: 'kafka:9092', TOPICS: 'orders', HEARTBEAT_SECONDS: '1' };
  const config = parseConfig(env);
  gateway = createGateway(config, new MemorySource(kafka), new Map(), new CountedSlots(config));
  end = new AbortController();
  void gateway.run(end.signal);
});
afterEach(() => end.abort());

const get = async (path: string, init: RequestInit = {}): Promise<Response> =>
  gateway.fetch(new Request(`http://localhost${path}`, init), CONNECTION);

function produce(topic: string, value: string): void {
  const bytes = new TextEncoder().encode(value);
  const record = { partition: 0, timestamp: 0, key: null, value: bytes, headers: [] };
  kafka.produce(topic, [record], false);
}

/** A stream that is open, and what it has sent. */
class Client {
  text = '';
  readonly ended: Promise<void>;

  constructor({ body }: Response) {
    this.ended = this.#read(body!);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of body) this.text += decoder.decode(bytes);
  }

  got(text: string): Promise<boolean> {
    return eventually(text, () => Promise.resolve(this.text.includes(text)));
  }
}

const connect = async (path: string): Promise<Client> => new Client(await get(path));

async function topics(): Promise<unknown[]> {
  const { topics } = (await (await get('/-/topics')).json()) as { topics: { path: string }[] };
  return topics.map(({ path }) => path);
}

describe('createGateway()', () => {
  test('createGateway() takes a topic that comes while it runs, and stays ready', async () => {
    await eventually('orders', async () => gateway.health().missing.length === 0);
    expect((await get('/late')).status).toBe(404);
    gateway.channels.add({ path: '/late', topic: 'prices' });
    expect(gateway.health().missing).toEqual([]);
    const client = await connect('/late');
    produce('prices', 'one');
    await client.got('data:one');
    expect(await topics()).toEqual(['/orders', '/late']);
  });

  test('createGateway() lets a topic go with its streams, and leaves the others alone', async () => {
    gateway.channels.add({ path: '/prices', topic: 'prices' });
    const [orders, prices] = await Promise.all(['/orders', '/prices'].map(connect));
    await prices!.got('retry:');
    gateway.channels.drop('/prices');
    await within('the end of the stream', prices!.ended);
    expect((await get('/prices')).status).toBe(404);
    expect(await topics()).toEqual(['/orders']);
    const { byTopic } = gateway.measured.streams;
    expect(byTopic.get('prices')).toMatchObject({ opened: 1, closed: { config: 1, client: 0 } });
    produce('orders', 'two');
    await orders!.got('data:two');
  });

  test('createGateway() answers what it does not serve with 404, and other methods with 405', async () => {
    expect((await get('/nothing', { method: 'POST' })).status).toBe(404);
    const refused = await get('/orders', { method: 'POST' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('createGateway() holds nothing for a client that left before its document began', async () => {
    const headers = { accept: 'application/json' };
    const asked = get('/orders?wait=60', { headers, signal: AbortSignal.abort() });
    await within('the answer', asked);
    const { byTopic } = gateway.measured.streams;
    expect(byTopic.get('orders')).toMatchObject({ opened: 1, closed: { client: 1 } });
  });

  test('createGateway() says why a document was ended that had not begun', async () => {
    await eventually('orders', async () => gateway.health().missing.length === 0);
    const headers = { accept: 'application/json' };
    const asked = get('/orders?wait=60', { headers });
    const opened = () => gateway.measured.streams.byTopic.get('orders')!.opened === 1;
    await eventually('the document to be asked for', async () => opened());
    gateway.channels.drop('/orders');
    const answer = await within('the answer', asked);
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([503, true]);
    expect(await answer.text()).toMatch(/^What is served here has changed; try again in \d s\n$/);
  });

  test('createGateway() asks no more of what a client has that left', async () => {
    await eventually('orders', async () => gateway.health().missing.length === 0);
    // It names a partition that the topic lacks, so that the brokers are asked again 10 s later.
    const id = Buffer.from([2, 1, 2, 3, 4, 4, 0, 0, 10, 0]).toString('base64url');
    const headers = { accept: 'application/json', 'if-none-match': `W/"${id}==.json"` };
    const leaving = new AbortController();
    const asked = get('/orders?until=live', { headers, signal: leaving.signal });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    await within('the answer', asked, 5000);
  });

  test('createGateway() ends its streams with its signal', async () => {
    const client = await connect('/orders');
    await client.got('retry:');
    end.abort();
    await within('the end of the stream', client.ended);
    expect(gateway.health().missing).toContain('this gateway is about to end');
  });
});

test('createGateway() says that it was given nothing to compress by', () => {
  const config = parseConfig({ KAFKA_BROKERS: 'kafka:9092', COMPRESSION: 'gzip' });
  const make = (): Gateway =>
    createGateway(config, new MemorySource(kafka), new Map(), new CountedSlots(config));
  expect(make).toThrow('COMPRESSION: this gateway was made without anything that compresses');
});

describe('Gateway.serve()', () => {
  test('Gateway.serve() touches no stream of what did not change, however often the rest does', async () => {
    const count = IS_ALL ? 5000 : 200;
    const settings = { KAFKA_BROKERS: 'kafka:9092', SIGN_IN_URL: 'http://app.example/me' };
    const config = parseConfig({ ...settings, HEARTBEAT_SECONDS: '0' });
    const make = (): Gateway =>
      createGateway(config, new MemorySource(kafka), new Map(), new CountedSlots(config), {
        web: {
          get: async (_, { headers = {} }) => {
            const claims = { sub: 'alice', reader: true };
            const body = new TextEncoder().encode(JSON.stringify({ claims }));
            const type = new Headers({ 'content-type': 'application/json' });
            return { status: 'cookie' in headers ? 200 : 401, headers: type, body };
          },
        },
        files: { read: () => Promise.reject(new Error('there is none')) },
      });
    const [reloaded, untouched] = [make(), make()];
    const file = (turn: number): string => `
      topics:
        ${turn % 2 === 0 ? 'prices: { require: "true" }' : 'late: { require: claims.reader }'}
      streams:
        /kept/{name}: { topic: orders, require: claims.sub == params.name }
        ${turn % 5 === 0 ? '' : `/other: { topic: orders, require: claims.sub != "${turn}" }`}`;
    const serve = (one: Gateway, turn: number): void =>
      one.serve(parseStreamsFile(file(turn), true));
    for (const one of [reloaded, untouched]) {
      serve(one, 1);
      void one.run(end.signal);
    }
    const open = async (one: Gateway, path: string): Promise<Client> => {
      const request = new Request(`http://localhost${path}`, { headers: { cookie: 'a=b' } });
      return new Client(await one.fetch(request, CONNECTION));
    };
    const other = await open(reloaded, '/other');
    const kept = await Promise.all(
      Array.from({ length: count }, () => open(reloaded, '/kept/alice')),
    );
    const witness = await open(untouched, '/kept/alice');
    for (let turn = 2; turn < 102; turn++) {
      serve(reloaded, turn);
      produce('orders', `value ${turn}`);
      if (turn % 10 === 0) await witness.got(`data:value ${turn}\n`);
    }
    await within('the end of what changed', other.ended);
    produce('orders', 'last');
    for (const client of [witness, ...kept]) await client.got('data:last\nid:');
    const { byTopic } = reloaded.measured.streams;
    expect(byTopic.get('orders')).toMatchObject({ opened: count + 1, closed: { config: 1 } });
    const behindRetry = ({ text }: Client): string => text.slice(text.indexOf('\n\n'));
    expect(behindRetry(witness).split('data:')).toHaveLength(102);
    expect(new Set(kept.map(behindRetry))).toEqual(new Set([behindRetry(witness)]));
  });
});

test('createGateway() has clients begin anew where what their stream lets through has changed', async () => {
  kafka.create('rows', '05060708', 1, { 'cleanup.policy': 'compact' });
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const put = (key: string, value: string, kind: string): void => {
    const headers = [['kind', encode(kind)]] as const;
    const record = { partition: 0, timestamp: 0, key: encode(key), value: encode(value), headers };
    kafka.produce('rows', [record], false);
  };
  const serve = (kinds: string): void =>
    gateway.serve(
      parseStreamsFile(
        `streams:
          /same: { topic: rows, where: headers.kind == "a" }
          /changed: { topic: rows, where: ${kinds} }`,
        false,
      ),
    );
  const open = (path: string, id = ''): Promise<Client> =>
    connect(`${path}?format=json&lastEventId=${encodeURIComponent(id)}`);
  const idOf = ({ text }: Client): string => /id:(.*)\n\n$/.exec(text)![1]!;
  serve('headers.kind == "a"');
  put('x', '1', 'a');
  put('y', '2', 'b');
  const [same, changed] = [await open('/same'), await open('/changed')];
  for (const one of [same, changed]) await one.got('event:live');
  serve('headers.kind == "b"');
  await within('the end of what changed', changed.ended);
  // Nothing was written since, and yet what it has is not for it any more.
  const back = await open('/changed', idOf(changed));
  await back.got('event:live');
  expect(back.text).toContain('"reason":"view"');
  expect(back.text.match(/"key":"."/g)).toEqual(['"key":"y"']);
  put('x', '3', 'b');
  put('x', '4', 'c');
  put('y', '5', 'c');
  await same.got('event:leave');
  await back.got('event:leave\ndata:{"partition":0,"offset":4');
  expect(back.text).not.toContain('"offset":0');
  expect(same.text).not.toContain('gap');
});

test('Gateway logs what ended streams got and who asked for nothing, at debug, without a query', async () => {
  using logged = new Logged();
  const headers = { 'user-agent': `curl/${'8'.repeat(300)}` };
  const response = await get('/orders?lastEventId=x&token=y', { headers });
  const client = new Client(response);
  await client.got('retry:');
  produce('orders', 'one');
  await client.got('data:one');
  await get(`/${'x'.repeat(300)}?token=secret`);
  end.abort();
  await within('the end of the stream', client.ended);
  const { events, bytes, userAgent, reason } = logged.propertiesOf(
    'A stream of {topic} is over: {reason}',
  )!;
  expect({ bytes, reason }).toEqual({ bytes: client.text.length, reason: 'drain' });
  const blocks = client.text.split('\n\n').filter((block) => /^(event|data):/.test(block));
  expect(events).toBe(blocks.length);
  expect(userAgent).toBe(headers['user-agent'].slice(0, 200));
  const { path, address } = logged.propertiesOf('Nothing is served at {path}')!;
  expect([path, address]).toEqual([`/${'x'.repeat(199)}`, CONNECTION.address]);
  expect(logged.lines.join('\n')).not.toMatch(/lastEventId|token/);
});

test('Gateway logs that a topic was made anew, by name', async () => {
  using logged = new Logged();
  const client = new Client(await get('/orders'));
  await client.got('retry:');
  produce('orders', 'one');
  await client.got('data:one');
  kafka.delete('orders');
  kafka.create('orders', '05060708', 1, {});
  await client.got('"reason":"recreated"');
  expect(logged.lines).toContain('warning Topic orders was made anew');
});

test('Gateway holds neither a request nor its response for as long as their stream is open', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sources: ByteSource[] = [];
  const connection: ClientConnection = {
    ...CONNECTION,
    streams: (_, source) => sources.push(source),
  };
  const open = async (): Promise<WeakRef<Request | Response>[]> => {
    const request = new Request('http://localhost/orders');
    return [new WeakRef(request), new WeakRef(await gateway.fetch(request, connection))];
  };
  const kept = await open();
  sources[0]!.next({ receive() {}, end() {} });
  await eventually('both to be gone', async () => {
    collect();
    return kept.every((one) => one.deref() === undefined);
  });
  sources[0]!.cancel();
});
