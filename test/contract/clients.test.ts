import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { Issuer } from '../support/issuer.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';
import { Gateway, kafka } from './face.ts';

const TOKEN = 'of the operator';

let issuer: Issuer;
let folder: string;
let tokenFile: string;
beforeAll(async () => {
  issuer = await Issuer.start();
  folder = await mkdtemp(join(tmpdir(), 'clients-'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await issuer[Symbol.asyncDispose]();
});

function ask({ admin }: Gateway, query = '', ...args: readonly string[]): Promise<Answer> {
  return curl('-H', `Authorization: Bearer ${TOKEN}`, ...args, `${admin}/clients${query}`);
}

type Told = Readonly<Record<string, unknown>>;

async function clientsOf(gateway: Gateway, query = ''): Promise<Told[]> {
  const { status, body } = await ask(gateway, query);
  expect(status).toBe(200);
  const lines = `${body}`.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Told);
}

onEachRuntime((runtime) => {
  describe('/clients', () => {
    test('is not there without a token file', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      expect((await ask(gateway)).status).toBe(404);
    });

    test('tells who is connected, how far behind, and ends a stream where a block ends', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'a' }, { value: 'b' });
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { ...issuer.env, ADMIN_TOKEN_FILE: tokenFile },
      });
      const other = await curl('-H', 'Authorization: Bearer another', `${gateway.admin}/clients`);
      expect(other.status).toBe(401);
      expect(await clientsOf(gateway)).toEqual([]);

      const open = async (sub: string) => {
        const authorization = `Bearer ${await issuer.token({ sub })}`;
        return gateway.stream(`/${topic.name}`, { headers: { authorization } });
      };
      await using anna = await open('anna');
      await using otto = await open('otto');
      for (const stream of [anna, otto]) await stream.untilEvents(2);
      const all = await eventually('two that have all', async () => {
        const found = await clientsOf(gateway, `?topic=${topic.name}`);
        return found.length === 2 && found.every(({ behind }) => behind === 0) ? found : null;
      });
      const [ofAnna] = await clientsOf(gateway, '?sub=anna');
      expect(all).toContainEqual(ofAnna);
      expect(ofAnna).toEqual({
        id: expect.any(String),
        topic: topic.name,
        path: `/${topic.name}`,
        address: expect.stringMatching(/^(::1|127\.0\.0\.1)$/),
        sub: 'anna',
        since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        events: 2,
        bytes: expect.any(Number),
        behind: 0,
      });
      expect(Date.now() - Date.parse(`${ofAnna!['since']}`)).toBeLessThan(600_000);
      expect(await clientsOf(gateway, '?behind=1')).toEqual([]);
      expect(await clientsOf(gateway, '?topic=no-such')).toEqual([]);

      const ended = await ask(gateway, `?id=${ofAnna!['id']}`, '-X', 'DELETE');
      expect(`${ended.body}`).toBe('{"ended":1}');
      await anna.until('its end', () => anna.isOver);
      expect((await clientsOf(gateway)).map(({ sub }) => sub)).toEqual(['otto']);
      await untilScraped('one that was kicked', gateway, (scrape) => {
        const labels = { topic: topic.name, reason: 'kicked' };
        return scrape.value('sse_kafka_disconnects_total', labels) === 1;
      });
      await topic.produce({ value: 'c' });
      await otto.untilEvents(3);
      // It is no lock.
      await using again = await open('anna');
      await again.untilEvents(3);
      expect((await ask(gateway, '', '-X', 'DELETE')).status).toBe(400);
      expect(`${(await ask(gateway, '?sub=anna', '-X', 'DELETE')).body}`).toBe('{"ended":1}');
      await again.until('its end', () => again.isOver);
    });

    test('counts what a client that takes nothing has yet to get', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { ADMIN_TOKEN_FILE: tokenFile },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      stream.pause();
      const value = 'x'.repeat(100_000);
      await topic.produce(...Array.from({ length: 9 }, () => ({ value })));
      const told = await eventually('one that is behind', async () => {
        await topic.produce(...Array.from({ length: 9 }, () => ({ value })));
        return (await clientsOf(gateway, '?behind=20'))[0] ?? null;
      });
      expect(told).toMatchObject({ topic: topic.name, sub: null });
      expect(told['behind']).toBeGreaterThanOrEqual(20);
    });
  });
});
