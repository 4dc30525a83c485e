import { describe, expect, jest, test } from '@jest/globals';
import type { Web, WebAnswer, WebQuestion } from '../ports/web.ts';
import { Application } from './application.ts';
import { isKnown, type Verdict } from './identity.ts';

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;

type Answer = (question: WebQuestion) => WebAnswer | Promise<WebAnswer>;

function answer(
  status: number,
  body: string | object = '',
  headers: Readonly<Record<string, string>> = {},
): WebAnswer {
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  const type = isText ? {} : { 'content-type': 'application/json' };
  const all = new Headers({ ...type, ...headers });
  return { status, headers: all, body: new TextEncoder().encode(text) };
}

/** An application that refuses whoever shows nothing, and answers everybody else so. */
function application(to: Answer) {
  const asked: WebQuestion[] = [];
  const web: Web = {
    get: async (_url, question) => {
      asked.push(question);
      const { headers = {} } = question;
      return 'cookie' in headers || 'authorization' in headers ? to(question) : answer(401);
    },
  };
  return { asked, asking: new Application('http://app.example/me', web, () => NOW) };
}

const request = (headers: Record<string, string> = { cookie: 'a=1' }, path = '/orders?since=x') =>
  new Request(`https://gateway.example${path}`, { headers });

async function verdictOf(to: WebAnswer | Answer): Promise<Verdict> {
  const { asking } = application(typeof to === 'function' ? to : () => to);
  return asking.identify({ request: request(), address: '192.0.2.1' });
}

/** As a header shows the bytes of a text. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('Application.identify()', () => {
  test('is asked with what was shown, and with what the gateway knows itself', async () => {
    const { asked, asking } = application(() => answer(204));
    const shown = {
      cookie: 'a=1',
      authorization: 'Basic x',
      'x-forwarded-uri': '/evil',
      other: 'y',
    };
    const at = { request: request(shown, '/a/../%6frders?access_token=x'), address: '192.0.2.1' };
    await asking.identify(at);
    expect(asked).toHaveLength(2);
    expect(asked[0]!.headers).toEqual({
      accept: 'application/json',
      'x-requested-with': 'XMLHttpRequest',
    });
    expect(asked[1]!.headers).toEqual({
      ...asked[0]!.headers,
      cookie: 'a=1',
      authorization: 'Basic x',
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'gateway.example',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-uri': '/orders',
    });
    expect(asked[1]).toMatchObject({ timeoutMs: 2000, maxBytes: 65_536 });
  });

  test('is not asked about whoever shows nothing', async () => {
    const { asked, asking } = application(() => answer(204));
    const verdict = await asking.identify({ request: request({}), address: '' });
    expect([verdict, asked]).toMatchObject([{ refusal: 'missing' }, []]);
  });

  test.each([
    ['no body', answer(202), {}, 300],
    [
      'headers',
      answer(200, '', { 'Remote-User': 'alice', 'X-Auth-Request-Groups': 'a,b', x: 'y' }),
      { 'remote-user': 'alice', 'x-auth-request-groups': 'a,b' },
      300,
    ],
    [
      'headers in UTF-8',
      answer(200, '', { 'Remote-User': latin1('Zoë'), 'Remote-Name': 'Zo\xeb' }),
      { 'remote-user': 'Zoë', 'remote-name': 'Zoë' },
      300,
    ],
    [
      'headers of what says it is JSON, and is empty',
      answer(200, '', { 'content-type': 'application/json', 'Remote-User': 'alice' }),
      { 'remote-user': 'alice' },
      300,
    ],
    ['claims', answer(200, { claims: { sub: 'alice', none: null } }), { sub: 'alice' }, 300],
    ['a time', answer(200, { claims: {}, until: SECONDS + 5 }), {}, 5],
    ['JSON without claims', answer(200, { user: 'x' }, { 'remote-user': 'x' }), {}, 300],
    ['text', answer(200, 'OK', { 'content-type': 'text/plain' }), {}, 300],
  ])('lets in by %s', async (_, to, claims, lasts) => {
    expect(await verdictOf(to)).toMatchObject({ claims, expiresAt: NOW + lasts * 1000 });
  });

  test.each([
    ['401', answer(401), 'invalid'],
    ['a redirect', answer(302, '', { location: '/login' }), 'invalid'],
    ['304', answer(304), 'invalid'],
    ['403', answer(403), 'forbidden'],
    ['404', answer(404), 'unavailable'],
    ['500', answer(500), 'unavailable'],
    ['a page', answer(200, 'x', { 'content-type': 'text/html; charset=utf-8' }), 'unavailable'],
    [
      'a page in JSON',
      answer(200, '<html>', { 'content-type': 'application/json' }),
      'unavailable',
    ],
    ['a page without a type', answer(200, '\n<!doctype html>'), 'unavailable'],
    ['broken JSON', answer(200, '{', { 'content-type': 'application/json' }), 'unavailable'],
    ['a JSON list', answer(200, []), 'unavailable'],
    ['JSON null', answer(200, 'null', { 'content-type': 'application/json' }), 'unavailable'],
    ['claims in a list', answer(200, { claims: [] }), 'unavailable'],
    ['claims null', answer(200, { claims: null }), 'unavailable'],
    ['an until that is text', answer(200, { claims: {}, until: 'x' }), 'unavailable'],
    ['an until that is null', answer(200, { claims: {}, until: null }), 'unavailable'],
    ['an until in milliseconds', answer(200, { claims: {}, until: NOW }), 'unavailable'],
    ['an until that is over', answer(200, { claims: {}, until: SECONDS }), 'expired'],
  ])('refuses by %s', async (_, to, refusal) => {
    expect(await verdictOf(to)).toMatchObject({ refusal });
  });

  test('refuses for now while there is no answer', async () => {
    const verdict = await verdictOf(() => Promise.reject(new Error('ECONNREFUSED')));
    expect(verdict).toEqual({ refusal: 'unavailable', why: 'ECONNREFUSED' });
  });

  test('hands on each cookie that it sets, whether it lets in or not', async () => {
    for (const status of [204, 401]) {
      const to = answer(status);
      to.headers.append('set-cookie', 'a=2; Path=/');
      to.headers.append('set-cookie', 'b=3');
      expect(await verdictOf(to)).toMatchObject({ setCookies: ['a=2; Path=/', 'b=3'] });
    }
  });

  test('is asked once for equal requests under way, and again for the next', async () => {
    const { asked, asking } = application(() => answer(204));
    const ask = (headers = { cookie: 'a=1' }, address = '192.0.2.1') =>
      asking.identify({ request: request(headers), address });
    await Promise.all([ask(), ask(), ask({ cookie: 'a=2' }), ask(), ask(undefined, '192.0.2.2')]);
    expect(asked).toHaveLength(1 + 3);
    await ask();
    expect(asked).toHaveLength(1 + 4);
  });

  test('is asked 64 questions at once, and no more', async () => {
    let underWay = 0;
    let most = 0;
    const { asking } = application(async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      return answer(204);
    });
    const verdicts = Array.from({ length: 200 }, (_, i) =>
      asking.identify({ request: request({ cookie: `a=${i}` }), address: '' }),
    );
    expect((await Promise.all(verdicts)).every(isKnown)).toBe(true);
    expect(most).toBe(64);
  });

  test('refuses for now whoever has had no turn for 8 s', async () => {
    jest.useFakeTimers({ now: NOW });
    try {
      const never = () => new Promise<WebAnswer>(() => {});
      const { asked, asking } = application(never);
      const ask = (n: number) =>
        asking.identify({ request: request({ cookie: `a=${n}` }), address: '' });
      const all = Array.from({ length: 65 }, (_, n) => ask(n));
      await jest.advanceTimersByTimeAsync(7999);
      // The first one asks whether it lets in whoever shows nothing.
      expect(asked).toHaveLength(1 + 64);
      await jest.advanceTimersByTimeAsync(1);
      expect(await all[64]).toEqual({ refusal: 'unavailable', why: 'no turn to ask' });
    } finally {
      jest.useRealTimers();
    }
  });

  test('refuses for now where claims are nested as deeply as fits', async () => {
    const nested = `{"claims":{"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`;
    const to = answer(200, nested, { 'content-type': 'application/json' });
    expect(await verdictOf(to)).toMatchObject({ refusal: 'unavailable' });
  });

  test('lets in nobody where it lets in whoever shows nothing', async () => {
    const web: Web = { get: async () => answer(200, { claims: { sub: 'x' } }) };
    const asking = new Application('http://app.example/me', web, () => NOW);
    expect(await asking.letsInAnybody()).toBe(true);
    const verdict = await asking.identify({ request: request(), address: '' });
    expect(verdict).toMatchObject({ refusal: 'unavailable' });
  });

  test('lets in nobody before it is known to refuse whoever shows nothing', async () => {
    let isUp = false;
    const web: Web = {
      get: async (_, { headers = {} }) => answer(isUp ? ('cookie' in headers ? 204 : 401) : 503),
    };
    const asking = new Application('http://app.example/me', web, () => NOW);
    expect(await asking.letsInAnybody()).toBe(false);
    expect(await asking.identify({ request: request(), address: '' })).toMatchObject({
      refusal: 'unavailable',
    });
    isUp = true;
    expect(await asking.letsInAnybody()).toBe(false);
    expect(isKnown(await asking.identify({ request: request(), address: '' }))).toBe(true);
  });
});
