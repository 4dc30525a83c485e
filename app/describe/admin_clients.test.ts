import { describe, expect, test } from '@jest/globals';
import type { ClientChoice, ClientFilter } from '../http/client_list.ts';
import { createAdmin } from './admin.ts';
import type { GuardedClients } from './admin_clients.ts';

const TOKEN = 'a token of its own';
const URL_OF_CLIENTS = 'http://localhost:9091/clients';

function admin(changes: Partial<GuardedClients['clients']> = {}) {
  const asked: (ClientFilter | ClientChoice)[] = [];
  const clients = {
    async *list(filter: ClientFilter) {
      asked.push(filter);
      yield '{"id":"1"}\n';
      yield '{"id":"2"}\n';
    },
    async end(choice: ClientChoice) {
      asked.push(choice);
      return 2;
    },
    ...changes,
  };
  const health = () => ({ missing: [], brokers: { up: true, error: null } });
  const exposition = { contentType: 'text/plain', text: async () => '' };
  const guarded = { clients, token: async () => TOKEN };
  const app = createAdmin('1', health, exposition, () => [], guarded);
  const ask = async (query = '', init: RequestInit = {}): Promise<Response> =>
    app.request(URL_OF_CLIENTS + query, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
    });
  return { ask, asked };
}

describe('addClients()', () => {
  test('addClients() lists with the token alone', async () => {
    const { ask, asked } = admin();
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(await answer.text()).toBe('{"id":"1"}\n{"id":"2"}\n');
    for (const authorization of ['', `Basic ${TOKEN}`, 'Bearer', `Bearer ${TOKEN}x`, 'Bearer a']) {
      for (const method of ['GET', 'DELETE', 'POST']) {
        const refused = await ask('?sub=a', { method, headers: { authorization } });
        expect(refused.status).toBe(401);
        expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
    expect(asked).toHaveLength(1);
  });

  test('addClients() takes filters of which an empty one is none', async () => {
    const { ask, asked } = admin();
    await ask('?topic=&sub=&behind=');
    await ask('?topic=a&sub=b%20c&behind=12');
    expect(asked).toEqual([
      { topic: null, sub: null, behind: 0 },
      { topic: 'a', sub: 'b c', behind: 12 },
    ]);
    for (const behind of ['x', '-1', '1.5', '1e3']) {
      expect((await ask(`?behind=${behind}`)).status).toBe(400);
    }
  });

  test('addClients() ends by exactly one of sub and id', async () => {
    const { ask, asked } = admin();
    const end = (query: string): Promise<Response> => ask(query, { method: 'DELETE' });
    expect(await (await end('?sub=a')).json()).toEqual({ ended: 2 });
    expect(await (await end('?id=b-1')).json()).toEqual({ ended: 2 });
    expect(asked).toEqual([{ sub: 'a' }, { id: 'b-1' }]);
    for (const query of ['', '?sub=', '?id=', '?sub=a&id=b', '?sub=&id=b', '?topic=a']) {
      expect((await end(query)).status).toBe(400);
    }
    const post = await ask('', { method: 'POST' });
    expect(post.status).toBe(405);
    expect(post.headers.get('allow')).toBe('GET, HEAD, DELETE');
    expect(asked).toHaveLength(2);
  });

  test('addClients() makes four answers at once, and says 503 where one cannot be made', async () => {
    let letGo = (): void => {};
    const held = new Promise<number>((resolve) => {
      letGo = () => resolve(0);
    });
    const { ask } = admin({ end: () => held });
    const end = (): Promise<Response> => ask('?sub=a', { method: 'DELETE' });
    const underWay = [end(), end(), end(), end()];
    const late = await end();
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    letGo();
    for (const one of underWay) expect((await one).status).toBe(200);
    expect((await end()).status).toBe(200);
    const broken = admin({ end: () => Promise.reject(new Error('of the inside')) });
    const answer = await broken.ask('?sub=a', { method: 'DELETE' });
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('inside');
  });
});
