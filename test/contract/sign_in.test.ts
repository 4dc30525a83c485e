import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { Issuer } from '../support/issuer.ts';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime, type Runtime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { SseStream } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

const EVENTS = ['-H', 'Accept: text/event-stream'];
const COOKIE = '__Host-sse-kafka';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

/** An application with sessions, on a port of this machine. */
async function listening(answer: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/session`,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

interface Signed {
  readonly gateway: Gateway;
  readonly topic: Topic;
  readonly url: string;
}

async function signed(
  runtime: Runtime,
  env: Readonly<Record<string, string>> = {},
): Promise<Signed> {
  const topic = await kafka.createTopic();
  await topic.produce({ value: 'a' });
  const settings = { topics: [topic.name], env: { ...issuer.env, ...env } };
  const gateway = await Gateway.startReady(runtime, settings);
  return { gateway, topic, url: `${gateway.http}/${topic.name}` };
}

const bearer = (token: string): string[] => ['-H', `Authorization: Bearer ${token}`];
const cookie = (token: string, name = COOKIE): string[] => ['-H', `Cookie: a=b; ${name}=${token}`];

/** Of a stream, which would not end by itself. */
const head = (...args: string[]): Promise<Answer> => curl('-I', ...args);

function expectPrivate({ headers }: Answer): void {
  expect(headers.get('cache-control')).toMatch(/^private, no-cache/);
  expect(headers.get('vary')).toContain('authorization, cookie');
}

/** What an EventSource is told that is not let in. */
function expectUnauthorized(answer: Answer, reason: string, from = 5000, to = 15_000): void {
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  expectPrivate(answer);
  const block = /^retry:(\d+)\n\nevent:unauthorized\ndata:(.*)\n\n$/;
  const [, ms, said] = block.exec(`${answer.body}`) ?? [];
  expect(JSON.parse(said!)).toEqual({ reason });
  expect(Number(ms)).toBeGreaterThanOrEqual(from);
  expect(Number(ms)).toBeLessThanOrEqual(to);
}

onEachRuntime((runtime) => {
  describe('sign-in by token', () => {
    test('lets in whoever has one, and tells everybody else why not', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      const over = await issuer.token({}, { lasts: -10 });
      const foreign = await issuer.token({}, { isForeign: true });
      const refused: [string[], string][] = [
        [[], 'missing'],
        [['-H', 'Authorization: Basic YTpi'], 'missing'],
        [cookie('', 'other'), 'missing'],
        [bearer('x'), 'invalid'],
        [bearer(over), 'expired'],
        [bearer(foreign), 'invalid'],
        [bearer(await issuer.token({ aud: 'other' })), 'invalid'],
        [cookie(over), 'expired'],
      ];
      for (const [args, reason] of refused) {
        const challenge = reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
        const plain = await curl(...args, url);
        expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([401, challenge]);
        expect(`${plain.body}`).not.toContain('aud');
        expectPrivate(plain);
        expectUnauthorized(await curl(...EVENTS, ...args, url), reason);
        expect((await head(...EVENTS, ...args, url)).status).toBe(401);
      }
      const authorization = `bearer ${await issuer.token({ sub: 'alice' })}`;
      await using stream = await SseStream.open(url, { headers: { authorization } });
      expect((await stream.untilEvents(1))[0]!.data).toBe('a');
      expect(stream.headers['cache-control']).toBe('private, no-cache, no-transform');
      const scrape = await Scrape.of(gateway);
      const count = (result: string): number =>
        scrape.value('sse_kafka_sign_ins_total', { result });
      const results = ['ok', 'missing', 'expired', 'invalid', 'forbidden', 'unavailable'];
      expect(results.map(count)).toEqual([1, 9, 6, 9, 0, 0]);
      expect(scrape.value('sse_kafka_sign_in_keys_age_seconds')).toBeLessThan(60);
    });

    test('asks nothing for the page and its files, health, or a preflight', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      for (const path of ['/', '/index.html', '/client.js']) {
        const answer = await head(gateway.http + path);
        expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-cache']);
      }
      expect((await curl('-X', 'OPTIONS', url)).status).toBe(204);
      expect((await curl(`${gateway.http}/nothing`)).status).toBe(404);
      expect((await curl('-X', 'POST', url)).status).toBe(405);
      expect((await curl(`${gateway.admin}/metrics`)).status).toBe(200);
    });

    test('comes before what is wrong with a request, and behind what is not there', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      expect((await head(`${url}?since=x`)).status).toBe(401);
      const right = bearer(await issuer.token());
      expect((await head(...right, `${url}?since=x`)).status).toBe(400);
      expect((await head(...right, url)).status).toBe(200);
    });

    test('takes no room for whoever is refused, and refuses them before it looks for room', async () => {
      const { gateway, url } = await signed(runtime, { MAX_CONNECTIONS: '1' });
      await using _gateway = gateway;
      const foreign = bearer(await issuer.token({}, { isForeign: true }));
      for (let i = 0; i < 3; i++) {
        expectUnauthorized(await curl(...EVENTS, ...foreign, url), 'invalid');
      }
      const headers = { authorization: `Bearer ${await issuer.token()}` };
      await using stream = await SseStream.open(url, { headers });
      await stream.untilEvents(1);
      expect((await curl(...bearer(await issuer.token()), url)).status).toBe(503);
      expect((await curl(...foreign, url)).status).toBe(401);
    });

    test('takes the token of the first place that has one', async () => {
      const { gateway, url } = await signed(runtime, { JWT_QUERY: 'true' });
      await using _gateway = gateway;
      const token = await issuer.token();
      const statusOf = async (...args: string[]): Promise<number> => (await head(...args)).status;
      expect(await statusOf(...cookie(token), url)).toBe(200);
      expect(await statusOf(`${url}?access_token=${token}`)).toBe(200);
      expect(await statusOf(...bearer('x'), ...cookie(token), url)).toBe(401);
      expect(await statusOf(...cookie('x'), `${url}?access_token=${token}`)).toBe(401);
      expect(await statusOf(...bearer(token), ...cookie('x'), url)).toBe(200);
      expect(await statusOf('-H', 'Authorization: Basic x', ...cookie(token), url)).toBe(200);
    });

    test('takes no token from the query, unless it is told to', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      expect((await head(`${url}?access_token=${await issuer.token()}`)).status).toBe(401);
    });

    test('takes the cookie of the application where one is named, and makes none then', async () => {
      const { gateway, url } = await signed(runtime, { JWT_COOKIE: 'session' });
      await using _gateway = gateway;
      const token = await issuer.token();
      expect((await head(...cookie(token, 'session'), url)).status).toBe(200);
      expect((await head(...cookie(token), url)).status).toBe(401);
      const made = await curl('-X', 'POST', ...bearer(token), `${gateway.http}/-/sign-in`);
      expect(made.status).toBe(404);
    });
  });

  describe('REQUIRE', () => {
    test('refuses whoever lacks the right, and shows what each may read', async () => {
      const REQUIRE = '"orders:read" in scopes && claims.tenant == "a"';
      const { gateway, topic, url } = await signed(runtime, { REQUIRE });
      await using _gateway = gateway;
      const rightful = bearer(await issuer.token({ scope: 'x orders:read', tenant: 'a' }));
      const others = [
        { scope: 'orders:read', tenant: 'b' },
        { scope: 'orders', tenant: 'a' },
        { tenant: 'a' },
        {},
        { scope: 'orders:read', tenant: null },
      ];
      expect((await head(...rightful, url)).status).toBe(200);
      for (const claims of others) {
        const args = bearer(await issuer.token(claims));
        const plain = await curl(...args, url);
        const challenge = 'Bearer error="insufficient_scope"';
        expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([403, challenge]);
        expectUnauthorized(await curl(...EVENTS, ...args, url), 'forbidden', 30_000, 60_000);
      }
      for (const path of ['/-/topics', '/-/openapi.json', '/-/asyncapi.json']) {
        const asked = (...args: string[]) => curl(...args, gateway.http + path);
        expect((await asked()).status).toBe(401);
        const own = await asked(...rightful);
        expect(own.status).toBe(200);
        expectPrivate(own);
        expect(`${own.body}`).toContain(`"${topic.name}"`);
        const empty = await asked(...bearer(await issuer.token()));
        expect(empty.status).toBe(200);
        expect(`${empty.body}`).not.toContain(topic.name);
      }
    });
  });

  describe('/-/sign-in', () => {
    test('makes a cookie of the token, and takes it away', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      const path = `${gateway.http}/-/sign-in`;
      const token = await issuer.token();
      const made = await curl('-X', 'POST', ...bearer(token), path);
      expect([made.status, made.headers.get('cache-control')]).toEqual([204, 'no-store']);
      const [pair, ...attributes] = made.headers.get('set-cookie')!.split('; ');
      expect(pair).toBe(`${COOKIE}=${token}`);
      expect(attributes.slice(0, 4)).toEqual(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']);
      expect(attributes[4]).toMatch(/^Max-Age=(59\d|600)$/);
      expect((await head('-H', `Cookie: ${pair}`, url)).status).toBe(200);
      const cleared = await curl('-X', 'DELETE', path);
      expect(cleared.status).toBe(204);
      expect(cleared.headers.get('set-cookie')).toContain(`${COOKIE}=; Path=/;`);
      expect(cleared.headers.get('set-cookie')).toContain('Max-Age=0');
      for (const args of [[], bearer('x'), cookie(token)]) {
        expect((await curl('-X', 'POST', ...args, path)).status).toBe(401);
      }
      const large = await issuer.token({ more: 'x'.repeat(3000) });
      expect((await curl('-X', 'POST', ...bearer(large), path)).status).toBe(413);
      const scrape = await Scrape.of(gateway);
      const count = (result: string): number =>
        scrape.value('sse_kafka_sign_ins_total', { result });
      expect([count('missing'), count('invalid')]).toEqual([2, 1]);
      const got = await curl(path);
      expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST, DELETE, OPTIONS']);
    });

    test('may be asked by listed origins alone', async () => {
      const { gateway } = await signed(runtime, { CORS_ORIGINS: 'https://a.example' });
      await using _gateway = gateway;
      const methods = async (origin: string): Promise<string | undefined> => {
        const answer = await curl(
          '-X',
          'OPTIONS',
          '-H',
          `Origin: ${origin}`,
          `${gateway.http}/-/sign-in`,
        );
        return answer.headers.get('access-control-allow-methods');
      };
      expect(await methods('https://a.example')).toBe('POST, DELETE, OPTIONS');
      expect(await methods('https://b.example')).toBe('GET, HEAD, OPTIONS');
    });

    test('is not there without a sign-in', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      expect((await curl('-X', 'POST', `${gateway.http}/-/sign-in`)).status).toBe(404);
      expect((await curl(`${gateway.http}/-/topics`)).headers.get('vary')).toBeUndefined();
    });
  });

  describe('the cookie', () => {
    test('counts from own pages, listed origins and programs alone', async () => {
      const { gateway, url } = await signed(runtime, {
        CORS_ORIGINS: 'https://a.example,null',
      });
      await using _gateway = gateway;
      const own = gateway.http;
      const token = await issuer.token();
      const cases: [number, ...string[]][] = [
        [200],
        [200, 'Sec-Fetch-Site: same-origin'],
        [200, 'Sec-Fetch-Site: none'],
        [200, 'Sec-Fetch-Site: cross-site', 'Origin: https://a.example'],
        [200, `Origin: ${own}`],
        [200, 'Origin: https://a.example'],
        [403, 'Sec-Fetch-Site: same-site'],
        [403, 'Sec-Fetch-Site: cross-site'],
        [403, 'Sec-Fetch-Site: same-site', `Origin: ${own}`],
        [403, 'Sec-Fetch-Site: cross-site', 'Origin: https://b.example'],
        [403, 'Sec-Fetch-Site: cross-site', 'Origin: null'],
        [403, 'Origin: null'],
        [403, 'Origin: http://localhost:1'],
        [403, 'Origin: http://a.localhost'],
        [403, 'Origin: https://a.example.evil'],
      ];
      for (const [status, ...lines] of cases) {
        const more = lines.flatMap((line) => ['-H', line]);
        const answer = await head(...cookie(token), ...more, url);
        expect([lines, answer.status]).toEqual([lines, status]);
        // Without the cookie it is not asked whose page it is.
        expect((await head(...bearer(token), ...more, url)).status).toBe(200);
        expect((await head(...more, url)).status).toBe(401);
      }
      const foreign = ['-H', 'Sec-Fetch-Site: cross-site'];
      // Whose page it is comes before whether the cookie counts.
      expect((await head(...cookie('x'), ...foreign, url)).status).toBe(403);
      const events = await curl(...EVENTS, ...cookie(token), ...foreign, url);
      expect(events.status).toBe(403);
      expectPrivate(events);
    });
  });

  describe('SIGN_IN_URL', () => {
    test('lets in whom the application knows, with what it says of them', async () => {
      const asked: (string | string[] | undefined)[] = [];
      await using application = await listening(({ headers }, response) => {
        const [, user] = /session=(\w+)/.exec(headers.cookie ?? '') ?? [];
        asked.push(headers['x-forwarded-uri']);
        if (user === undefined) response.writeHead(302, { location: '/login' }).end();
        else if (user === 'page') response.end('<!doctype html><title>Shop</title>');
        else {
          response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'seen=1' });
          response.end(JSON.stringify({ claims: { sub: user }, until: Date.now() / 1000 + 2 }));
        }
      });
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'a' });
      const env = { SIGN_IN_URL: application.url, REQUIRE: 'claims.sub != "bob"' };
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name], env });
      const url = `${gateway.http}/${topic.name}`;
      const as = (user: string): string[] => cookie(user, 'session');
      expect((await head(url)).status).toBe(401);
      expect((await head(...cookie('x', 'other'), url)).status).toBe(401);
      expect((await head(...as('page'), url)).status).toBe(503);
      const forbidden = await head(...as('bob'), url);
      expect([forbidden.status, forbidden.headers.get('set-cookie')]).toEqual([403, 'seen=1']);
      expectUnauthorized(await curl(...EVENTS, ...as('bob'), url), 'forbidden', 30_000, 60_000);
      expect((await head(...as('alice'), '-H', 'Sec-Fetch-Site: same-site', url)).status).toBe(403);
      expect((await curl('-X', 'POST', `${gateway.http}/-/sign-in`)).status).toBe(404);
      await using stream = await SseStream.open(url, { headers: { cookie: 'session=alice' } });
      expect(stream.headers['set-cookie']).toEqual(['seen=1']);
      await within('the end of what the application said', stream.over);
      expect(stream.events.map(({ event }) => event)).toEqual(['message', 'expired']);
      expect(asked.slice(1)).toContain(`/${topic.name}`);
    });
  });

  describe('the end of a token', () => {
    test('ends the stream where a block ends, and the next one goes on', async () => {
      const { gateway, topic, url } = await signed(runtime);
      await using _gateway = gateway;
      const open = async (id: string | null): Promise<SseStream> => {
        const authorization = `Bearer ${await issuer.token({}, { lasts: 2 })}`;
        const headers = { authorization, ...(id === null ? {} : { 'last-event-id': id }) };
        return SseStream.open(url, { headers });
      };
      const got: string[] = [];
      let id: string | null = null;
      for (let token = 0; token < 3; token++) {
        const began = Date.now();
        await using stream = await open(id);
        await topic.produce({ value: `${token}` });
        await within('the end of the token', stream.over);
        expect(Date.now() - began).toBeLessThan(2500);
        expect(stream.isAtBlockEnd).toBe(true);
        const last = stream.events.at(-1)!;
        expect([last.event, last.data]).toEqual(['expired', '{}']);
        got.push(...stream.events.slice(0, -1).map(({ data }) => data));
        id = last.id;
      }
      expect(got).toEqual(['a', '0', '1', '2']);
      const scrape = await Scrape.of(gateway);
      const labels = { topic: topic.name, reason: 'expired' };
      expect(scrape.value('sse_kafka_disconnects_total', labels)).toBe(3);
    });
  });

  describe('the end of a token, for a document that has not begun', () => {
    test('is what its client is told', async () => {
      const { gateway, url } = await signed(runtime);
      await using _gateway = gateway;
      const args = [
        '-H',
        'Accept: application/json',
        ...bearer(await issuer.token({}, { lasts: 3 })),
      ];
      const begun = await curl(...args, `${url}?wait=60&since=latest`);
      expect([begun.status, begun.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer error="invalid_token"',
      ]);
      expectPrivate(begun);
    });
  });

  describe('the keys of the issuer', () => {
    test('are asked for again at one that is not known, and kept while it does not answer', async () => {
      await using own = await Issuer.start();
      const { gateway, url } = await signed(runtime, own.env);
      await using _gateway = gateway;
      const statusOf = async (token: string) => (await head(...bearer(token), url)).status;
      const old = await own.token();
      expect(await statusOf(old)).toBe(200);
      own.isUp = false;
      expect(await statusOf(await own.token())).toBe(200);
      own.isUp = true;
      await own.rotate();
      const next = await own.token();
      await eventually('the new key', async () => (await statusOf(next)) === 200);
      // Its key is gone.
      expect(await statusOf(old)).toBe(401);
    });

    test('are waited for by /readyz, which says what is wrong', async () => {
      await using own = await Issuer.start();
      own.isUp = false;
      const topic = await kafka.createTopic();
      const settings = { topics: [topic.name], env: own.env };
      await using gateway = await Gateway.start(runtime, settings);
      const url = `${gateway.http}/${topic.name}`;
      const missing = await eventually('the topic to be loaded', async () => {
        const { missing } = await gateway.readiness();
        return missing.length === 1 && missing[0]!.includes('503') ? missing : null;
      });
      expect(missing[0]).toContain('keys of the sign-in');
      const unavailable = await head(...bearer(await own.token()), url);
      expect([unavailable.status, unavailable.headers.has('retry-after')]).toEqual([503, true]);
      expectUnauthorized(await curl(...EVENTS, ...bearer(await own.token()), url), 'unavailable');
      own.isUp = true;
      await gateway.untilReady();
      expect((await head(...bearer(await own.token()), url)).status).toBe(200);
    });
  });
});
