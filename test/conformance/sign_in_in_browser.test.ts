import { createServer, type Server } from 'node:https';
import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Authority } from '../support/authority.ts';
import { DEADLINE_MS, eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { Issuer } from '../support/issuer.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { TestBrowser } from '../support/test_browser.ts';
import { IS_ALL } from '../support/tier.ts';

const SECRET = 'nobody-else-may-see-this';
/** Each name below `localhost` is this machine to a browser, and a site to itself. */
const HOST = 'gateway.shop.localhost';
const TOKENS = IS_ALL ? 10 : 3;
const TOKEN_SECONDS = 6;

/** Pages of any origin: an empty one, and one with a frame that has none. */
class Pages implements AsyncDisposable {
  readonly #server: Server;
  readonly port: number;

  static async start(): Promise<Pages> {
    const authority = await Authority.create();
    const server = createServer(
      await authority.issue({ name: 'localhost' }),
      (request, response) => {
        const frame = '<iframe sandbox="allow-scripts" srcdoc="<p>a frame</p>"></iframe>';
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<!doctype html><p>a page</p>${request.url === '/frame' ? frame : ''}`);
      },
    );
    const port = await freePort();
    await new Promise<void>((done) => server.listen(port, 'localhost', done));
    return new Pages(server, port);
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
  }
}

interface Sights {
  readonly events: string;
  readonly eventsWithCookie: string;
  readonly fetch: string;
  readonly fetchWithCookie: string;
  readonly opaque: string;
  readonly script: string;
}

/** What a script gets to see of a stream, in every way in which it may ask. In the browser. */
async function allThatIsSeen(url: string): Promise<Sights> {
  const byEvents = (withCredentials: boolean): Promise<string> =>
    new Promise((done) => {
      const source = new EventSource(url, { withCredentials });
      const over = (what: string): void => {
        source.close();
        done(what);
      };
      source.onmessage = ({ data }) => over(data);
      source.addEventListener('unauthorized', ({ data }) => over(data));
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) over('closed');
      };
    });
  const byFetch = (credentials: RequestCredentials, mode: RequestMode): Promise<string> =>
    fetch(`${url}?until=live`, { credentials, mode }).then(
      async (answer) => `${answer.status} ${await answer.text()}`,
      () => 'blocked',
    );
  const byScript = (): Promise<string> =>
    new Promise((done) => {
      const script = document.createElement('script');
      script.onload = () => done('loaded');
      script.onerror = () => done('error');
      script.src = `${url}?until=live&format=json`;
      document.documentElement.append(script);
    });
  return {
    events: await byEvents(false),
    eventsWithCookie: await byEvents(true),
    fetch: await byFetch('same-origin', 'cors'),
    fetchWithCookie: await byFetch('include', 'cors'),
    opaque: await byFetch('include', 'no-cors'),
    script: await byScript(),
  };
}

onRuntimesOfTier((runtime) => {
  describe('the cookie of a sign-in, in a browser', () => {
    const browser = shared(() => TestBrowser.launch());
    const issuer = shared(() => Issuer.start());
    const pages = shared(() => Pages.start());
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce({ value: SECRET });
      const CORS_ORIGINS = `https://app.shop.localhost:${pages().port},null`;
      const env = { ...issuer().env, CORS_ORIGINS };
      return HostedGateway.startReady(runtime, { topics: [topic.name], env });
    });
    const root = (): string => gateway().https.replace('localhost', HOST);
    const stream = (): string => `${root()}/${topic.name}`;
    const signIn = async (page: Page, token: string): Promise<number> =>
      page.evaluate(
        async ([url, bearer]) => {
          const headers = { authorization: `Bearer ${bearer}` };
          const init = { method: 'POST', headers, credentials: 'include' } as const;
          return (await fetch(`${url}/-/sign-in`, init)).status;
        },
        [root(), token] as const,
      );

    test('shows a stream to own pages and to listed origins, and to no other page', async () => {
      await using window = await browser().newWindow();
      const own = await window.open(`${root()}/client.js`);
      const missing = '{"reason":"missing"}';
      expect(await own.evaluate(allThatIsSeen, stream())).toMatchObject({ events: missing });
      expect(await signIn(own, await issuer().token())).toBe(204);
      expect(await own.evaluate(allThatIsSeen, stream())).toEqual({
        events: SECRET,
        eventsWithCookie: SECRET,
        fetch: expect.stringContaining(SECRET),
        fetchWithCookie: expect.stringContaining(SECRET),
        // Of its own origin it is no secret to a page.
        opaque: expect.stringContaining(SECRET),
        // The type of a stream is that of no script.
        script: 'error',
      });
      const { port } = pages();
      const nothing = {
        events: 'closed',
        eventsWithCookie: 'closed',
        fetch: 'blocked',
        fetchWithCookie: 'blocked',
        opaque: '0 ',
        script: 'error',
      };
      const others: [string, object][] = [
        [
          `https://app.shop.localhost:${port}/`,
          {
            ...nothing,
            events: missing,
            eventsWithCookie: SECRET,
            fetch: expect.stringMatching(/^401 /),
            fetchWithCookie: expect.stringContaining(SECRET),
          },
        ],
        // Another port of the same host, and another subdomain: the browser takes the cookie along.
        [`https://${HOST}:${port}/`, nothing],
        [`https://other.shop.localhost:${port}/`, nothing],
        [`https://evil.localhost:${port}/`, nothing],
      ];
      for (const [url, seen] of others) {
        const page = await window.open(url);
        const asked = within(`what ${url} sees`, page.evaluate(allThatIsSeen, stream()));
        expect([url, await asked]).toEqual([url, seen]);
      }
    });

    test('shows nothing to a frame without an origin, listed or not', async () => {
      await using window = await browser().newWindow();
      const own = await window.open(`${root()}/client.js`);
      expect(await signIn(own, await issuer().token())).toBe(204);
      for (const host of ['app.shop.localhost', HOST, 'evil.localhost']) {
        const page = await window.open(`https://${host}:${pages().port}/frame`);
        const frame = await eventually('the frame', async () => page.frames()[1] ?? null);
        await frame.waitForSelector('p');
        const seen = await within(
          `what a frame of ${host} sees`,
          frame.evaluate(allThatIsSeen, stream()),
        );
        expect([host, JSON.stringify(seen).includes(SECRET)]).toEqual([host, false]);
        // `null` is listed, so that it may read what needs no cookie.
        expect([host, seen.events]).toEqual([host, '{"reason":"missing"}']);
        expect([host, seen.eventsWithCookie, seen.fetchWithCookie]).toEqual([
          host,
          'closed',
          'blocked',
        ]);
      }
    });

    test('is put by listed origins alone', async () => {
      await using window = await browser().newWindow();
      const token = await issuer().token();
      const { port } = pages();
      const listed = await window.open(`https://app.shop.localhost:${port}/`);
      expect(await signIn(listed, token)).toBe(204);
      const other = await window.open(`https://other.shop.localhost:${port}/`);
      await expect(signIn(other, token)).rejects.toThrow('Failed to fetch');
    });

    test(`lets a plain EventSource live through ${TOKENS} tokens, of which the page only renews its cookie`, async () => {
      const numbers = await kafka.createTopic();
      const env = issuer().env;
      await using own = await HostedGateway.startReady(runtime, { topics: [numbers.name], env });
      await using tab = await browser().open(`${own.https}/client.js`);
      await tab.page.exposeFunction('newToken', () => issuer().token({}, { lasts: TOKEN_SECONDS }));
      await tab.page.evaluate(
        async ([path, seconds]) => {
          const { newToken } = window as unknown as { newToken(): Promise<string> };
          const renew = async (): Promise<unknown> =>
            fetch('/-/sign-in', {
              method: 'POST',
              headers: { authorization: `Bearer ${await newToken()}` },
            });
          await renew();
          setInterval(renew, seconds * 500);
          const seen = { values: [] as string[], opened: 0, expired: 0, refused: [] as string[] };
          Object.assign(window, { seen });
          const source = new EventSource(path);
          source.onopen = () => seen.opened++;
          source.onmessage = ({ data }) => seen.values.push(data);
          source.addEventListener('expired', () => seen.expired++);
          source.addEventListener('unauthorized', ({ data }) => seen.refused.push(data));
        },
        [`/${numbers.name}`, TOKEN_SECONDS] as const,
      );
      interface Seen {
        readonly values: string[];
        readonly opened: number;
        readonly expired: number;
        readonly refused: string[];
      }
      const seen = async () => (await tab.page.evaluate('seen')) as Seen;
      const written: string[] = [];
      const deadlineMs = DEADLINE_MS + TOKENS * TOKEN_SECONDS * 1000;
      const writeMore = async (): Promise<boolean> => {
        await numbers.produce({ value: `${written.length}` });
        written.push(`${written.length}`);
        return (await seen()).expired >= TOKENS;
      };
      await eventually(`the end of ${TOKENS} tokens`, writeMore, deadlineMs);
      await eventually('the last', async () => (await seen()).values.length >= written.length);
      const { values, refused } = await seen();
      expect(values).toEqual(written);
      expect(refused).toEqual([]);
    });
  });
});
