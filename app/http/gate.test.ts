import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryKafka } from '../../test/host/memory_kafka.ts';
import { MemorySource } from '../../test/host/memory_source.ts';
import { parseConfig } from '../config/config.ts';
import { createGateway } from '../gateway.ts';
import type { ClientConnection } from '../ports/client_connection.ts';
import type { WebQuestion } from '../ports/web.ts';
import { CountedSlots } from './stream_slots.ts';

const CONNECTION: ClientConnection = {
  address: '192.0.2.1',
  pendingBytes: 0,
  measureProgress: () => 0,
  letGo() {},
  cut() {},
};

let end: AbortController;
afterEach(() => end.abort());

/** A gateway that asks an application which knows whoever shows something, and all that it asks. */
function asking(env: Readonly<Record<string, string>> = {}) {
  const kafka = new MemoryKafka();
  kafka.create('orders', '01020304', 1, {});
  const SIGN_IN_URL = 'https://app.example/me';
  const config = parseConfig({ KAFKA_BROKERS: 'k:9092', TOPICS: 'orders', SIGN_IN_URL, ...env });
  const asked: WebQuestion['headers'][] = [];
  const web = {
    async get(_: string, { headers = {} }: WebQuestion) {
      asked.push(headers);
      const status = 'cookie' in headers || 'authorization' in headers ? 204 : 401;
      return { status, headers: new Headers(), body: new Uint8Array() };
    },
  };
  const files = { read: () => Promise.reject(new Error('no file')) };
  const source = new MemorySource(kafka);
  const gateway = createGateway(config, source, new Map(), new CountedSlots(config), {
    web,
    files,
  });
  end = new AbortController();
  void gateway.run(end.signal);
  const ask = (headers: Readonly<Record<string, string>>, path = '/orders?since=latest') =>
    gateway.fetch(
      new Request(`https://gateway.example${path}`, { method: 'HEAD', headers }),
      CONNECTION,
    );
  return { asked, ask };
}

describe('Gate.admit()', () => {
  test.each([
    ['false', '192.0.2.1'],
    ['true', '203.0.113.9'],
  ])(
    'asks with what the gateway knows itself, with TRUST_PROXY=%s',
    async (TRUST_PROXY, address) => {
      const { asked, ask } = asking({ TRUST_PROXY });
      const answer = await ask({
        cookie: 'a=1',
        'x-forwarded-for': '198.51.100.1, 203.0.113.9',
        'x-forwarded-uri': '/admin',
        'x-forwarded-method': 'DELETE',
        'x-forwarded-proto': 'ftp',
        accept: 'text/event-stream',
        'x-other': 'y',
      });
      expect(answer.status).toBe(200);
      // The first one asked whether it lets in whoever shows nothing.
      expect(asked.slice(1)).toEqual([
        {
          accept: 'application/json',
          'x-requested-with': 'XMLHttpRequest',
          cookie: 'a=1',
          'x-forwarded-method': 'HEAD',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'gateway.example',
          'x-forwarded-for': address,
          'x-forwarded-uri': '/orders',
        },
      ]);
    },
  );

  test('asks nobody for what is refused anyway, and of whoever shows nothing', async () => {
    const { asked, ask } = asking();
    const foreign = { 'sec-fetch-site': 'same-site' };
    expect((await ask({ cookie: 'a=1', ...foreign })).status).toBe(403);
    expect((await ask({ cookie: 'a=1', authorization: 'Bearer x', ...foreign })).status).toBe(403);
    expect((await ask({ cookie: 'a=1' }, '/nothing')).status).toBe(404);
    expect((await ask({})).status).toBe(401);
    expect(asked).toEqual([]);
    expect((await ask({ authorization: 'Bearer x', ...foreign })).status).toBe(200);
  });
});
