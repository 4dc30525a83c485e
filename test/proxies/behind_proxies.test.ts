import { describe, expect, test } from '@jest/globals';
import { COMPRESSION } from '../support/compression.ts';
import { curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { NumberedLoad } from '../support/numbered_load.ts';
import { clientsOf } from '../support/returning_client.ts';
import { NODE } from '../support/runtimes.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { FrontProxy, type ProxyKind } from './front_proxy.ts';
import { PROXIES } from './proxies.ts';
import { StreamPair } from './stream_pair.ts';

const ACCEPT = { accept: 'text/event-stream', 'accept-encoding': 'gzip, deflate, br, zstd' };
const KB = 1024;

/** Of one proxy each, by what they are for. */
type Topics = Readonly<Record<'read' | 'away' | 'reload', Topic>>;

describe('behind', () => {
  const topics = new Map<ProxyKind, Topics>();
  const startGateway = async (env: Record<string, string>): Promise<Gateway> => {
    const names = [...topics.values()].flatMap((all) => Object.values(all).map(({ name }) => name));
    return Gateway.startReady(NODE, { topics: names, env: { TRUST_PROXY: 'true', ...env } });
  };
  const gateway = shared(async () => {
    for (const kind of PROXIES) {
      const create = (): Promise<Topic> => kafka.createTopic();
      const all = { read: await create(), away: await create(), reload: await create() };
      topics.set(kind, all);
      await all.read.produce({ value: 'first' }, { value: 'second' });
    }
    return startGateway({ HEARTBEAT_SECONDS: '1', LOG_LEVEL: 'debug' });
  });
  const silent = shared(() => startGateway({ HEARTBEAT_SECONDS: '0' }));

  /** Streams that are open from the first case to the last. */
  const lasting = new Map<ProxyKind, StreamPair>();
  shared(async () => {
    const all = new StreamGroup();
    for (const kind of PROXIES) {
      const proxy = all.add(await FrontProxy.start(kind, silent(), { idleSeconds: 600 }));
      const url = `${proxy.url}/${topics.get(kind)!.read.name}`;
      lasting.set(kind, all.add(await StreamPair.open(url, ACCEPT)));
    }
    return all;
  });

  for (const kind of PROXIES) {
    describe(kind.name, () => {
      const proxy = shared(() => FrontProxy.start(kind, gateway()));
      const topic = (use: keyof Topics = 'read'): Topic => topics.get(kind)![use];
      const url = (use: keyof Topics = 'read'): string => `${proxy().url}/${topic(use).name}`;

      test('streams have their own head, and each record comes at once, as it was sent', async () => {
        await using streams = await StreamPair.open(url(), ACCEPT);
        expect(streams.protocol).toBe('h2');
        for (const { status, headers } of streams.both) {
          expect(status).toBe(200);
          expect(headers).toMatchObject({
            'content-type': 'text/event-stream',
            'cache-control': 'no-cache, no-transform',
            'access-control-allow-origin': '*',
          });
          expect(headers['content-encoding']).toBe(COMPRESSION === 'gzip' ? 'gzip' : undefined);
        }
        for (const value of ['one', 'two', 'three']) {
          await topic().produce({ value });
          for (const stream of streams.both) {
            await stream.until(value, () => stream.events.at(-1)?.data === value);
          }
        }
        await using direct = await gateway().stream(`/${topic().name}`);
        const events = await direct.untilEvents(5);
        for (const stream of streams.both) expect(stream.events).toEqual(events);
      });

      test('the page is compressed', async () => {
        const { headers } = await curl('-H', 'accept-encoding: gzip', `${proxy().url}/index.html`);
        expect(headers.get('content-encoding')).toBe('gzip');
      });

      test('an id of 16 kB arrives', async () => {
        const id = `${topic().cursor(1)}/`.padEnd(16 * KB, 'x');
        await using streams = await StreamPair.open(url(), { ...ACCEPT, 'last-event-id': id });
        for (const stream of streams.both) {
          expect((await stream.untilEvents(1))[0]!.data).toBe('second');
        }
      });

      test("a client's address is that of its connection, whatever it says", async () => {
        const headers = { ...ACCEPT, 'x-forwarded-for': '192.0.2.1' };
        const options = { headers, localAddress: '127.0.0.7' };
        await using _ = await SseStream.open(url(), options);
        await gateway().says('"address":"127.0.0.7"');
        expect(gateway().stderr).not.toContain('192.0.2.1');
      });

      test('streams share a connection of HTTP/2', async () => {
        await using h2 = new H2Session(proxy().url);
        await using streams = new StreamGroup();
        const all: SseStream[] = [];
        for (let i = 0; i < kind.streamsPerConnection; i++) {
          all.push(streams.add(await SseStream.open(url(), { h2: h2.session })));
        }
        await topic().produce({ value: 'for all' });
        for (const stream of all) {
          await stream.until('the record', () => stream.events.at(-1)?.data === 'for all');
        }
      });

      test('a stream that its client leaves is over at the gateway', async () => {
        await using streams = await StreamPair.open(url(), ACCEPT);
        for (const stream of streams.both) stream.cut();
        const labels = { topic: topic().name };
        await untilScraped(
          'no streams',
          gateway(),
          (scrape) => scrape.value('sse_kafka_connections', labels) === 0,
        );
      });

      test('an idle stream lives on by its heartbeats, and by nothing else', async () => {
        const idleSeconds = 2;
        const open = ({ url }: FrontProxy): Promise<StreamPair> =>
          StreamPair.open(`${url}/${topic().name}`, ACCEPT);
        await using front = await FrontProxy.start(kind, gateway(), { idleSeconds });
        await using beaten = await open(front);
        if (kind.hasIdleTimeout) {
          await using mute = await FrontProxy.start(kind, silent(), { idleSeconds });
          await using streams = await open(mute);
          for (const stream of streams.both) await within('an idle stream to be cut', stream.over);
        }
        for (const stream of beaten.both) {
          const beats = (): number =>
            stream.blocks.filter((block) => block.kind === 'heartbeat').length;
          await stream.until('heartbeats', () => beats() > idleSeconds + 1);
        }
      });

      const costs = kind.answersForGateways ? 'costs an EventSource nothing' : 'is an error';
      test(`a gateway that is away ${costs}`, async () => {
        await topic('away').produce({ value: '0' });
        await using clients = clientsOf(url('away'));
        await clients.until(1);
        await gateway().stop();
        try {
          const answer = await curl('-H', 'accept: text/event-stream', url('away'));
          expect([answer.status, `${answer.body}`]).toEqual(
            kind.answersForGateways ? [200, 'retry:3000\n\n'] : [503, expect.anything()],
          );
          if (kind.answersForGateways) {
            expect(answer.headers.get('content-type')).toBe('text/event-stream');
            expect(answer.headers.get('access-control-allow-origin')).toBe('*');
          }
          expect((await curl(url('away'))).status).toBeGreaterThanOrEqual(502);
          await topic('away').produce({ value: '1' });
        } finally {
          await gateway().start();
        }
        if (!kind.answersForGateways) return;
        await clients.until(2);
        for (const { values } of await clients.seen()) expect(values).toEqual(['0', '1']);
      });

      test('a reload under load costs no client anything', async () => {
        const labels = { topic: topic('reload').name };
        const total = async (): Promise<number> =>
          (await Scrape.of(silent())).value('sse_kafka_connections_total', labels);
        await using clients = clientsOf(url('reload'));
        const load = new NumberedLoad(topic('reload'));
        await clients.until(20);
        await proxy().reload(silent());
        await eventually('new streams to be those of the other gateway', async () => {
          await using stream = await SseStream.open(url('reload'));
          await stream.untilEvents(1);
          return (await total()) > 0;
        });
        await clients.until(load.count + 20);
        const expected = await load.stop();
        await clients.until(expected.length);
        for (const client of await clients.seen()) {
          expect(client.values).toEqual(expected);
          // None was cut.
          expect(client).toMatchObject({ streams: 1 });
        }
      });
    });
  }

  test('no stream was cut in all that time', async () => {
    for (const [kind, { both }] of lasting) {
      await topics.get(kind)!.read.produce({ value: 'last' });
      for (const stream of both) {
        await stream.until('the last one', () => stream.events.at(-1)?.data === 'last');
      }
    }
  });
});
