import { request as ask, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { newName } from '../support/new_name.ts';
import { OtherServer, status, streamOf } from '../support/other_server.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';

/** Hands on what is asked for below a path, and takes the path off. */
function below(path: string, target: string): RequestListener {
  return ({ url = '', method, headers }, response) => {
    if (!url.startsWith(`${path}/`)) return void response.writeHead(404).end();
    const asked = ask(target + url.slice(path.length), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    response.once('close', () => asked.destroy());
    asked.end();
  };
}

onAnyRuntime((runtime) => {
  describe('the page, with another server', () => {
    const browser = shared(() => TestBrowser.launch());
    const gateway = shared(() => HostedGateway.start(runtime, { topics: [newName()] }));
    const open = async (url: string): Promise<Tab> => {
      const tab = await browser().open(gateway().http);
      await tab.page.locator('#location').fill(url);
      await tab.go();
      return tab;
    };

    test('works below a path that a proxy takes off', async () => {
      await using proxy = await OtherServer.start(below('/streams', gateway().http));
      const root = `${new URL(proxy.url).origin}/streams`;
      await using tab = await browser().open(`${root}/`);
      const { topics } = await (await fetch(`${gateway().http}/-/topics`)).json();
      const stream = root + topics[0].path;
      await eventually('the topic', async () => (await tab.location()) === stream);
      await tab.go();
      await tab.logs('open');
      await tab.page.reload();
      await tab.says('#state', 'Replaying');
      expect(await tab.location()).toBe(stream);
      const lost = proxy.requests.filter(({ url }) => !url?.startsWith('/streams/'));
      expect(lost).toEqual([]);
    });

    test('shows a stream of values, and asks for nothing that it may not know', async () => {
      await using server = await OtherServer.start(
        streamOf('data:{"partition":0}\nid:a\n\nevent:delete\ndata:a2V5\n\ndata:plain\n\n'),
      );
      await using tab = await open(server.url);
      await tab.shows('plain', 'Deleted: key key', '{"partition":0}');
      await tab.says('#state', 'Connected');
      expect(server.requests.map(({ url }) => url)).toEqual(['/stream']);
      await tab.page.locator('#format').selectOption('json');
      await tab.go();
      const asksForJson = async () => server.requests.at(-1)!.url === '/stream?format=json';
      await eventually('the page to ask for JSON', asksForJson);
      await tab.shows('plain', 'Deleted: key key', '{"partition":0}');
      // It does not tell when it is live, although it was asked.
      await tab.says('#state', 'Connected');
    });

    test('retries by itself where the browser gives up, with the last id', async () => {
      await using server = await OtherServer.start(streamOf('data:one\nid:first\n\n'));
      await using tab = await open(server.url);
      await tab.shows('one');
      server.answer = status(502);
      for (const { socket } of server.requests) socket.destroy();
      await tab.says('#state', /^Retrying in \d+ s$/);
      await tab.says('#reason', 'the server said 502 Bad Gateway');
      server.answer = streamOf('data:two\n\n');
      await tab.shows('two', 'one');
      const last = server.requests.at(-1)!;
      expect(last.url).toBe('/stream?lastEventId=first');
      expect(last.headers['last-event-id']).toBeUndefined();
      await tab.says('#state', 'Connected');
    });

    test('says since when the gateway hears nothing from Kafka, and that it is live again', async () => {
      let tell!: (text: string) => void;
      await using server = await OtherServer.start((request, response) => {
        streamOf('event:live\ndata:{}\nid:a\n\n')(request, response);
        tell = (text) => void response.write(text);
      });
      await using tab = await open(server.url);
      await tab.page.locator('#format').selectOption('json');
      await tab.go();
      await tab.says('#state', 'Live');
      tell('event:stale\ndata:{"since":1700000000000}\n\n');
      await tab.says('#state', 'Out of date');
      await tab.says('#reason', /^the gateway has had no answer from Kafka since .*\d/);
      tell('data:{"partition":0,"offset":0,"timestamp":0,"key":"a","value":"one"}\nid:b\n\n');
      await tab.shows('one');
      await tab.says('#state', 'Out of date');
      tell('event:fresh\ndata:{}\n\n');
      await tab.says('#state', 'Live');
      await tab.says('#reason', '');
    });

    test('goes on with a new connection after a sleep, in which the one before may have died', async () => {
      await using server = await OtherServer.start(streamOf('data:one\nid:first\n\n'));
      await using tab = await open(server.url);
      await tab.shows('one');
      server.answer = streamOf('data:two\nid:second\n\n');
      await tab.page.evaluate(() => {
        const now = Date.now;
        Date.now = () => now() + 21_000;
        dispatchEvent(new Event('pageshow'));
      });
      await tab.shows('two', 'one');
      expect(server.requests.map(({ url }) => url)).toEqual([
        '/stream',
        '/stream?lastEventId=first',
      ]);
    });

    test('says why and stays away after an answer that is no stream', async () => {
      const answers: readonly (readonly [number, Record<string, string>, string])[] = [
        [404, {}, 'there is no such stream (404)'],
        [403, {}, 'the server said 403 Forbidden'],
        [204, {}, 'the server says there is no more (204)'],
        [200, { 'content-type': 'text/html' }, 'not an event stream but text/html'],
      ];
      await using tab = await browser().open(gateway().http);
      for (const [code, headers, words] of answers) {
        await using server = await OtherServer.start(status(code, headers));
        tab.console.length = 0;
        await tab.page.locator('#location').fill(server.url);
        await tab.go();
        await tab.says('#reason', words);
        await tab.says('#state', 'Failed');
        expect(server.requests).toHaveLength(1);
        await tab.logs('error');
      }
    });

    test('says what to do where no server is reached', async () => {
      await using tab = await open('https://localhost:1/stream');
      await tab.says('#state', /^Retrying/);
      await tab.says('#reason', 'no connection');
      await tab.says('#empty-text', /has to be visited and trusted first\.$/);
    });

    test('says that it waits for an answer', async () => {
      await using server = await OtherServer.start(() => {});
      await using tab = await open(server.url);
      await tab.says('#state', 'Connecting');
      await tab.says('#reason', /^no answer yet/);
      await tab.page.getByRole('button', { name: 'Stop' }).click();
      await tab.says('#state', 'Ended');
    });

    test('has one stream at a time, and none after Stop', async () => {
      let count = 0;
      await using server = await OtherServer.start((request, response) => {
        count++;
        response.once('close', () => count--);
        streamOf('data:one\n\n')(request, response);
      });
      await using tab = await open(server.url);
      for (let i = 0; i < 3; i++) {
        await tab.shows('one');
        await tab.go();
      }
      await tab.shows('one');
      await eventually('one stream', async () => count === 1);
      await tab.page.getByRole('button', { name: 'Stop' }).click();
      await eventually('no stream', async () => count === 0);
    });

    test('does not read what is no address of a stream', async () => {
      await using tab = await browser().open(gateway().http);
      for (const location of ['http://', 'ftp://localhost/a', 'javascript:alert(1)']) {
        // Something else in between, so that each is told anew.
        await tab.page.locator('#location').fill('https://localhost:1/stream');
        await tab.go();
        await tab.says('#reason', 'no connection');
        tab.console.length = 0;
        await tab.page.locator('#location').fill(location);
        await tab.go();
        await tab.says('#reason', 'this location is not an address');
        await tab.says('#state', 'Failed');
        await tab.logs('error');
      }
    });
  });
});
