import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { Issuer } from '../support/issuer.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Gateway, kafka } from './face.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

function fileOf(text: string): string {
  const file = join(
    mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'streams-')),
    'streams.yaml',
  );
  writeFileSync(file, text);
  return file;
}

onEachRuntime((runtime) => {
  describe('STREAMS_FILE', () => {
    test('serves paths of its own, each to those who have its right', async () => {
      const [orders, prices, plain] = [
        await kafka.createTopic(),
        await kafka.createTopic(),
        await kafka.createTopic(),
      ];
      const STREAMS_FILE = fileOf(`
topics:
  ${orders.name}: { path: false }
  ${prices.name}: { require: "true" }
streams:
  /my/orders: { topic: ${orders.name}, require: '"orders:read" in scopes' }
  "/customers/{id}/orders": { topic: ${orders.name}, require: claims.sub == params.id }
  "/customers/all/orders": { topic: ${orders.name}, require: claims.admin }
  "/index.html": { topic: ${prices.name}, require: "true" }
`);
      const env = { ...issuer.env, STREAMS_FILE };
      const topics = [plain.name, orders.name];
      await using gateway = await Gateway.startReady(runtime, { topics, env });
      const statusOf = async (path: string, claims: object): Promise<number> => {
        const token = `Authorization: Bearer ${await issuer.token(claims)}`;
        const answer = await curl('-I', '--path-as-is', '-H', token, `${gateway.http}${path}`);
        return answer.status;
      };
      const alice = { sub: 'alice' };
      expect(await statusOf(`/${plain.name}`, alice)).toBe(200);
      expect(await statusOf(`/${prices.name}`, alice)).toBe(200);
      expect(await statusOf(`/${orders.name}`, alice)).toBe(404);
      expect(await statusOf('/my/orders', alice)).toBe(403);
      expect(await statusOf('/my/orders', { scope: 'orders:read' })).toBe(200);
      expect(await statusOf('/customers/alice/orders', alice)).toBe(200);
      expect(await statusOf('/customers/%61lice/orders', alice)).toBe(200);
      expect(await statusOf('/customers/x/../alice/orders', alice)).toBe(200);
      expect(await statusOf('/customers/x/%2e%2E/alice/orders', alice)).toBe(200);
      expect(await statusOf('/customers/bob/orders', alice)).toBe(403);
      expect(await statusOf('/customers/bob%2F..%2Falice/orders', alice)).toBe(403);
      expect(await statusOf('/customers/%2561lice/orders', alice)).toBe(403);
      expect(await statusOf('/customers//orders', alice)).toBe(404);
      expect(await statusOf('/customers/alice/orders/', alice)).toBe(404);
      expect(await statusOf('/customers/%ff/orders', alice)).toBe(404);
      // From the left the first literal wins.
      expect(await statusOf('/customers/all/orders', { sub: 'all' })).toBe(403);
      expect(await statusOf('/customers/all/orders', { sub: 'x', admin: true })).toBe(200);
      const page = await curl('-I', `${gateway.http}/index.html`);
      expect(page.status).toBe(401);
      const listed = async (claims: object): Promise<unknown[]> => {
        const token = `Authorization: Bearer ${await issuer.token(claims)}`;
        const { body } = await curl('-H', token, `${gateway.http}/-/topics`);
        return JSON.parse(`${body}`).topics.map(({ path }: { path: string }) => path);
      };
      const all = [`/${plain.name}`, `/${prices.name}`, '/index.html'];
      expect((await listed(alice)).toSorted()).toEqual(all.toSorted());
      expect((await listed({ scope: 'orders:read' })).toSorted()).toEqual(
        [...all, '/my/orders'].toSorted(),
      );
      const token = `Authorization: Bearer ${await issuer.token(alice)}`;
      for (const name of ['openapi', 'asyncapi']) {
        const { body } = await curl('-H', token, `${gateway.http}/-/${name}.json`);
        expect(`${body}`).toContain('/index.html');
        expect(`${body}`).not.toContain('/my/orders');
        expect(`${body}`).not.toContain(orders.name);
      }
    });

    test('lets through those records alone that its own filter and the client want', async () => {
      const topic = await kafka.createTopic();
      const kind = (value: string): [string, string] => ['kind', value];
      await topic.produce(
        { key: 'alice', value: '0', headers: [kind('a')] },
        { key: 'bob', value: '1', headers: [kind('a')] },
        { key: 'alice', value: '2', headers: [kind('b')] },
        { key: 'b', value: '3', headers: [kind('bob')] },
      );
      const STREAMS_FILE = fileOf(`
streams:
  /my: { topic: ${topic.name}, require: "true", where: key == claims.sub }
  "/of/{id}": { topic: ${topic.name}, require: "true", where: 'headers.kind == params.id && offset < 3' }
  "/by/{id}": { topic: ${topic.name}, require: "true", where: '"x" == params.id || headers.kind == params.id' }
  /roles: { topic: ${topic.name}, require: "true", where: headers.kind in claims.roles }
`);
      const env = { ...issuer.env, STREAMS_FILE, MAX_SCANNED_VIEWS: '1' };
      await using gateway = await Gateway.startReady(runtime, { env });
      const get = async (path: string, claims: object) => {
        const token = `Authorization: Bearer ${await issuer.token(claims)}`;
        const accept = ['-H', 'Accept: application/json', '-H', token];
        return curl(...accept, `${gateway.http}${path}${path.includes('?') ? '&' : '?'}until=live`);
      };
      const valuesOf = async (path: string, claims: object): Promise<string> => {
        const { body } = await get(path, claims);
        const { records } = JSON.parse(String(body)) as { records: { value: string }[] };
        return records.map(({ value }) => value).join('');
      };
      expect(await valuesOf('/my', { sub: 'alice' })).toBe('02');
      expect(await valuesOf('/my', { sub: 'bob' })).toBe('1');
      expect(await valuesOf('/my?key=bob', { sub: 'bob' })).toBe('1');
      expect(await valuesOf('/my?key=bob', { sub: 'alice' })).toBe('');
      expect(await valuesOf('/my?where=offset%20%3E%201', { sub: 'alice' })).toBe('2');
      // What cannot be worked out lets nothing through.
      expect(await valuesOf('/my', { sub: '', name: 'alice' })).toBe('');
      expect(await valuesOf('/roles', { sub: 'bob', roles: ['a', 'bob'] })).toBe('013');
      expect(await valuesOf('/roles', { sub: 'bob' })).toBe('');
      expect(await valuesOf('/of/a', { sub: 'bob' })).toBe('01');
      expect(await valuesOf('/of/bob', { sub: 'bob' })).toBe('');
      // What is open with a parameter outside of equalities is bounded, by stream.
      const token = `Bearer ${await issuer.token({ sub: 'bob' })}`;
      await using one = await gateway.stream('/by/b?since=latest', {
        headers: { authorization: token },
      });
      await one.until('its place', () => one.blocks.length > 1);
      expect((await get('/by/a', { sub: 'bob' })).status).toBe(503);
      expect(await valuesOf('/by/b', { sub: 'alice' })).toBe('2');
      expect(await valuesOf('/of/b', { sub: 'bob' })).toBe('2');
    });

    test('tells of a compacted topic which keys match no more where they are no secret', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      const kind = (value: string): [string, string][] => [['kind', value]];
      await topic.produce({ key: 'a', value: '0', headers: kind('alice') });
      const stream = `{ topic: ${topic.name}, require: "true", where: headers.kind == claims.sub`;
      const STREAMS_FILE = fileOf(`
streams:
  /open: ${stream}, keys: open }
`);
      await using gateway = await Gateway.startReady(runtime, {
        env: { ...issuer.env, STREAMS_FILE },
      });
      const authorization = `Bearer ${await issuer.token({ sub: 'alice' })}`;
      await using open = await gateway.stream('/open', { headers: { authorization } });
      await open.until('the record', () => open.events.length > 0);
      await topic.produce({ key: 'a', value: '1', headers: kind('bob') });
      await open.until('the key to leave', () => open.events.length > 1);
      expect(open.events.map(({ event, data }) => [event, data])).toEqual([
        ['message', '0'],
        ['leave', 'YQ=='],
      ]);
    });

    test('serves whoever comes where there is no sign-in, and no topic beside its own', async () => {
      const topic = await kafka.createTopic();
      const STREAMS_FILE = fileOf(`streams: { "/a/{x}": { topic: ${topic.name} } }`);
      await using gateway = await Gateway.startReady(runtime, { env: { STREAMS_FILE } });
      const statusOf = async (path: string) => (await curl('-I', gateway.http + path)).status;
      expect(await statusOf('/a/b')).toBe(200);
      expect(await statusOf('/events')).toBe(404);
      expect(await statusOf(`/${topic.name}`)).toBe(404);
    });
  });
});
