import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Authority } from '../../test/support/authority.ts';
import { WebClient } from './web_client.ts';

const answer: RequestListener = (request, response) => {
  switch (request.url) {
    case '/large':
      response.end('x'.repeat(1001));
      return;
    case '/slow':
      response.write('x');
      return;
    case '/cut':
      response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy());
      return;
    case '/moved':
      response.writeHead(302, { location: '/' }).end();
      return;
    default:
      response.setHeader('set-cookie', ['a=1; Path=/', 'b=2']).end(request.headers['cookie']);
  }
};

const servers: Server[] = [];

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

let url: string;
let secureUrl: string;
let authority: Authority;

beforeAll(async () => {
  authority = await Authority.create();
  const secure = createSecureServer(await authority.issue({ name: 'localhost' }), answer);
  url = `http://127.0.0.1:${await listening(createServer(answer))}`;
  secureUrl = `https://localhost:${await listening(secure)}`;
});

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

const QUESTION = { timeoutMs: 10_000, maxBytes: 1000 };

describe('WebClient', () => {
  test('shows what it is given, and keeps each Set-Cookie apart', async () => {
    const headers = { cookie: 'session=1' };
    const {
      status,
      body,
      headers: got,
    } = await new WebClient([]).get(url, {
      ...QUESTION,
      headers,
    });
    expect([status, new TextDecoder().decode(body)]).toEqual([200, 'session=1']);
    expect(got.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
  });

  test('follows no redirect', async () => {
    expect(await new WebClient([]).get(`${url}/moved`, QUESTION)).toMatchObject({ status: 302 });
  });

  test('trusts an own authority beside the public ones, and no other', async () => {
    const own = new WebClient([authority.cert]);
    for (const address of [secureUrl, secureUrl.replace('https', 'HTTPS')]) {
      expect(await own.get(address, QUESTION)).toMatchObject({ status: 200 });
    }
    await expect(new WebClient([]).get(secureUrl, QUESTION)).rejects.toThrow(/certificate/);
  });

  test.each([
    ['/large', 'more than 1000 bytes'],
    ['/slow', 'no answer within 0.2 s'],
    ['/cut', ''],
  ])('takes %s for no answer', async (path, why) => {
    const timeoutMs = path === '/slow' ? 200 : QUESTION.timeoutMs;
    const asked = new WebClient([]).get(url + path, { ...QUESTION, timeoutMs });
    await expect(asked).rejects.toThrow(why);
  });

  test('says that nobody listens', async () => {
    await expect(new WebClient([]).get('http://127.0.0.1:1/', QUESTION)).rejects.toThrow(
      'ECONNREFUSED',
    );
  });
});
